"""Pictures of a trace: each takes plain data and returns a renderable or a string, and prints nothing."""
