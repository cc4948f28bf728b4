"""The real source of what ran, beside the tensors that it made; from a saved trace too, without torch."""
