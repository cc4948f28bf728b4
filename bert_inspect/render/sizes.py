"""How much of a tensor's values a screen or a page shows."""

SHOWN_SENTENCES = 2
"""Of how many sentences values are shown; of each the first head."""
SHOWN_ENDS = 12
"""How many rows and columns of a matrix are shown at most; a cut tensor keeps as many at either end."""
