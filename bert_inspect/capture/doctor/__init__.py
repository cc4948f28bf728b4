"""The sanity experiments that one does by hand when a BERT behaves oddly, each with a verdict and its evidence."""

from .examine import examine

__all__ = ["examine"]
