"""Text from outside in Markdown, as GitHub reads it: nothing in it is taken for markup."""

import re
from collections.abc import Sequence

from ...safetext import safe_text

_MARKUP = re.compile(
    r"[\\`*<|~&$]"  # means something anywhere
    r"|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])"  # emphasis, but not inside of a word
    r"|\](?=[(\[:])"  # the end of a link's text, or of a definition's name
    r"|(?<=[\w.+-])@(?=[\w-]+\.)|://|(?<=www)\."  # addresses
    r"|^\s*(?:[-+=>]|#{1,6}(?=\s|$)|\d+[.)])"  # lists, quotations, headings
)
"""What GitHub takes for markup, and no more, so that the text can still be read as it stands in the file."""


def plain(text: str) -> str:
    """Return a text on one line that is shown as it is."""
    return _MARKUP.sub(_escaped, safe_text(text))


def _escaped(found: re.Match[str]) -> str:
    text = found[0]
    if text in ("&", "<"):
        return {"&": "&amp;", "<": "&lt;"}[text]
    if text == "://":
        return "\\://"
    lead = text.rstrip("-+=>.)") if text.strip()[:1].isdigit() else text[: len(text) - len(text.lstrip())]
    return f"{lead}\\{text[len(lead) :]}"


def span(text: str) -> str:
    """Return a text as code inside of a line."""
    text = safe_text(text)
    fence = "`" * (max((len(run) for run in re.findall("`+", text)), default=0) + 1)
    room = " " if "`" in text else ""
    return f"{fence}{room}{text}{room}{fence}"


def block(lines: Sequence[str], language: str) -> list[str]:
    """Return lines as a block of code."""
    safe = [safe_text(line) for line in lines]
    longest = max((len(run) for line in safe for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    return [f"{fence}{language}", *safe, fence]


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], numbers: Sequence[int] = ()) -> list[str]:
    """Return a table out of cells that are Markdown already; ``numbers`` are the columns that stand at the right."""
    lines = [_row(headers), _row(["---:" if at in numbers else "---" for at in range(len(headers))])]
    return [*lines, *map(_row, rows)]


_PIPE = re.compile(r"(?<!\\)\|")
"""A sign that would end the cell of a table, even in code."""
_ESCAPED_PIPE = r"\\|"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(_PIPE.sub(_ESCAPED_PIPE, cell) for cell in cells)} |"
