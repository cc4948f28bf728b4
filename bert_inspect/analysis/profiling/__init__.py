"""Makes profiles: what a model does over a whole corpus."""
