"""How much of a tensor's values a screen or a page shows."""

SHOWN_SENTENCES = 2
"""Of how many sentences values are shown; in a terminal of each the first head."""
SHOWN_ENDS = 12
"""How many rows and columns of a matrix are shown at most; a cut tensor keeps as many at either end."""
SHOWN_STACK = 16
"""Of how many heads a page shows values at most, where it has room for them."""
