"""From a name and a text to a trace: the only rooms that import torch."""
