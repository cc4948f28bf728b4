"""Where heads look: in the terminal, and as SVG."""
