"""Workers of a Ray cluster: each holds a model once, and writes a part of the output for each task that it is given."""
