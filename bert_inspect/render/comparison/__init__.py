"""Two runs held against each other, in the terminal."""
