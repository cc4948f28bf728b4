"""What changes in a model's answer when a part of it, or of its input, is edited: one edit after the other."""
