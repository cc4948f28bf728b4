"""The left side: the tree of steps, and what narrows it."""
