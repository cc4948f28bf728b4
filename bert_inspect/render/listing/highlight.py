"""Python source in colours, a line at a time, and broken to a width."""

from collections.abc import Iterator, Sequence

from pygments.token import Comment, Keyword, Name, Number, Operator, String, Token
from rich.cells import set_cell_size
from rich.console import Console
from rich.style import Style
from rich.syntax import ANSISyntaxTheme, Syntax
from rich.text import Text

from ...safetext import safe_text
from ..cells import Cell
from ..words import DIM, NAME, PLAIN

# Only colours that every terminal's scheme keeps legible on dark and on light.
_MAGENTA, _CYAN, _GREEN = Style(color="magenta"), Style(color="cyan"), Style(color="green")
_THEME = ANSISyntaxTheme(
    {
        Token: PLAIN,
        Comment: _GREEN + Style(italic=True),
        Keyword: _MAGENTA,
        Keyword.Constant: _CYAN,
        Operator.Word: _MAGENTA,
        Name.Function: NAME,
        Name.Decorator: _MAGENTA,
        Number: _CYAN,
        String: _GREEN,
    }
)
_HANGING = 4
_MEASURE = Console(width=80, color_system=None)


def highlighted(lines: Sequence[str]) -> list[Text]:
    """Return the lines of one piece of source in colours."""
    text = "\n".join(safe_text(line) for line in lines)
    found = list(Syntax("", "python", theme=_THEME).highlight(text).split("\n"))
    return [*found, *(Text() for _ in lines)][: len(lines)]


def dimmed(line: Text) -> Text:
    """Return a line without its colours, dimmed."""
    plain = Text(line.plain)
    plain.stylize(DIM)
    return plain


def broken(line: Text, width: int) -> Iterator[Cell]:
    """Yield a line in as many rows as it needs, broken as one would write it; those after the first hang in."""
    lead, indent = 0, indent_of(line.plain)
    while line.cell_len > width - lead:
        end = _break(line.plain, width - lead)
        yield [(" " * lead, PLAIN), *_cell(line[:end])]
        lead, line = min(indent + _HANGING, width // 2), line[end:]
    yield [(" " * lead, PLAIN), *_cell(line)]


def _break(text: str, room: int) -> int:
    """Return where to break: behind a blank or before the dot of a next call, else behind an opening bracket."""
    fits = max(1, len(set_cell_size(text, room).rstrip()))
    ends = range(fits, max(indent_of(text), fits // 3), -1)
    for end in ends:
        if text[end - 1] == " " or (text[end] == "." and text[end - 1] in ")]"):
            return end
    return next((end for end in ends if text[end - 1] in "(["), fits)


def indent_of(line: str) -> int:
    """Return how many spaces a line begins with."""
    return len(line) - len(line.lstrip(" "))


def _cell(text: Text) -> Cell:
    return [(part.text, part.style or PLAIN) for part in text.render(_MEASURE) if part.text]
