"""The sanity checks that one does by hand when a BERT behaves oddly, each with a verdict and its evidence."""
