"""What edits do to an answer, as pictures."""
