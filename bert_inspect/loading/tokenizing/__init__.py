"""The files of a checkpoint's tokenizer: which there are, and what they say, checked before any library sees it."""
