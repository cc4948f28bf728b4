"""Where everything in a picture of a dataflow stands: boxes in boxes, and arrows around them.

Own code, since no library that a wheel brings draws nested boxes well: grandalf knows none (and had its last release in
2023), Graphviz and ELK need a system program or a JavaScript engine, and graphlay, months old, lets arrows run through
the boxes' titles. None lets a tensor enter a box once and branch inside, which is what makes a residual easy to see.
The method is the layered one of Sugiyama, Tagawa and Toda (1981), box by box from the innermost outwards.
"""

from .nested import arrange
from .plan import Body, Box, Drawing, Measures, Spacing, TooLarge, Wire

__all__ = ["Body", "Box", "Drawing", "Measures", "Spacing", "TooLarge", "Wire", "arrange"]
