"""Why a model answers as it does, as pictures: for the terminal, for a page, as SVG."""
