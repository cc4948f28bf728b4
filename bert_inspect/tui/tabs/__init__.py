"""The tabs on the right: what is known of the chosen step."""
