"""Why this answer: the logit as an exact sum, over tokens, over components, and as it grows from layer to layer."""
