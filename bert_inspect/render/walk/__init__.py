"""The guided tour, as it is shown: in a terminal, as a page, as Markdown, as a notebook."""
