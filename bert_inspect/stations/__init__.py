"""The guided tour of one pass: what happens between the text and the answer, station by station."""
