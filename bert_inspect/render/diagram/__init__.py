"""Pictures of a dataflow: each format in a file of its own takes a `Dataflow` and returns text or bytes."""
