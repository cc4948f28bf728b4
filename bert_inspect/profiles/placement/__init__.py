"""Where one run lies in a corpus: its ranges, its hidden dimensions, its heads and its answers beside a profile."""
