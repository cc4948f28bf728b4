"""The dataflow of a run as a graph: built from a trace, folded, and ready to be drawn; it knows nothing of drawing."""

from .build import dataflow
from .fold import folded, unfolded
from .graph import Arrow, Dataflow, Link, Node
from .parts import parted
from .sentences import tokenizer_flow

__all__ = ["Arrow", "Dataflow", "Link", "Node", "dataflow", "folded", "parted", "tokenizer_flow", "unfolded"]
