"""The words of a trace, each written once: labels, roles, parts, axes, the names that transformers gives tensors."""
