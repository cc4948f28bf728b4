"""From a name to a checked model and its tokenizer: a folder, the local cache, or built in."""
