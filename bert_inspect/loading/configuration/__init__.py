"""What a checkpoint says of itself in config.json: its family, its head, its settings and labels, checked."""
