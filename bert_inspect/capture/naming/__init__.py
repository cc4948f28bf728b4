"""From what was recorded to the steps of a trace: labels, axes, origins, parameters."""
