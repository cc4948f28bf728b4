"""A corpus: files of sentences, read as they come, in numbered blocks. It needs no torch."""
