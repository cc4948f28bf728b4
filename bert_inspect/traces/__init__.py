"""The trace, which stands between what runs a model and what shows it: plain data that knows neither torch nor rich."""
