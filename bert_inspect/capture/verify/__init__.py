"""The proof of a trace: every step is run again, and the model too."""
