"""Questions asked of models and traces: where two runs diverge, what is wrong with a model, where heads look."""
