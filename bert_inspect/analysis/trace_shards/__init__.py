"""The traces of a file of sentences, shared out among the workers of a Ray cluster: a window of batches is a shard."""
