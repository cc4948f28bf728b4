"""What a model did over a whole corpus: in the terminal, as SVG, and what moved between two profiles."""
