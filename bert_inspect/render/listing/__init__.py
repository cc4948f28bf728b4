"""The source of a forward with what each line made, in the terminal."""
