"""Two traces held against each other: aligned by meaning, compared in multiples of what rounding explains."""

from .comparison import Comparison, diff
from .difference import Cause, Diff, Position, Setting, StepDiff, Unmatched
from .side import Side

__all__ = ["Cause", "Comparison", "Diff", "Position", "Setting", "Side", "StepDiff", "Unmatched", "diff"]
