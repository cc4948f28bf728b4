"""What stands out in a profile: outlier dimensions, massive activations, dead units, heads, what int8 would lose."""
