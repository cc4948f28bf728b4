"""What sees one forward while it runs: hooks around modules, a mode around ops, and what is recorded of each."""
