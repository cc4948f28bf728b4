"""One forward of one model, recorded as a trace."""
