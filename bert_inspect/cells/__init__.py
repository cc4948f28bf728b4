"""One number of one step and its arithmetic, out of a trace and the numbers that belong to it. No torch, no rich."""
