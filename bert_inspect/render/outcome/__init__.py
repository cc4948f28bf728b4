"""What a model answered, as it is shown: one file a kind of head, and a table that finds it by the model's task."""
