"""Two traces held against each other: aligned by meaning, compared in multiples of what rounding explains."""

from .comparison import Comparison, diff
from .difference import Cause, Diff, Lonely, Place, Setting, StepDiff
from .side import Side

__all__ = ["Cause", "Comparison", "Diff", "Lonely", "Place", "Setting", "Side", "StepDiff", "diff"]
