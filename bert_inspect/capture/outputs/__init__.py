"""What a model answered, as a trace has it: one file a kind of head."""
