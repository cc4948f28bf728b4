"""A line that says which sentence, head and token of a tensor are shown, each with arrows to click."""

from collections.abc import Sequence

from rich.style import Style
from rich.text import Text

from ...render.words import DIM, plural
from .slices import HEADS, SENTENCES, Lead

_KEYS = {SENTENCES: "s", HEADS: "h"}
_OTHER = "n"
"""The key that moves along an axis of another kind."""


def key_of(lead: Lead) -> str:
    """Return the key that moves along an axis."""
    return _KEYS.get(lead.axis, _OTHER)


def controls(leads: Sequence[tuple[Lead, str]], *, hidden: int = 0) -> Text:
    """Return the line: for each axis what is chosen along it, with the key that chooses the next."""
    line = Text(no_wrap=True, overflow="ellipsis")
    for lead, name in leads:
        if lead.size < 2:
            continue
        key = key_of(lead)
        line.append("‹", Style.from_meta({"@click": f"app.move_along('{key}', -1)"}))
        line.append(f" {name} ")
        line.append("›", Style.from_meta({"@click": f"app.move_along('{key}', 1)"}))
        line.append(f" {key}   ", DIM)
    if hidden:
        line.append(f"{plural(hidden, 'padding token')} hidden ", DIM)
        line.append("p", DIM)
    return line
