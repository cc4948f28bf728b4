"""What of a tensor's values is kept where only a screen or a page will show them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..capture.keep import Ends
    from ..traces.focus import Focus
    from ..traces.record import Input


def for_the_screen(focus: "Focus | None" = None, batch: "Input | None" = None) -> "Ends":
    """Return the part of each tensor that is shown; with a ``focus`` on the tokens of a batch, that of those too."""
    from ..capture.keep import Ends
    from ..render.sizes import SHOWN_ENDS, SHOWN_SENTENCES

    if focus is None or batch is None:
        return Ends(entries=SHOWN_ENDS, sentences=SHOWN_SENTENCES)
    last = max(focus.sentences(batch, SHOWN_SENTENCES), default=0)
    return Ends(
        entries=SHOWN_ENDS, sentences=max(SHOWN_SENTENCES, last + 1), also=focus.indices(batch, SHOWN_SENTENCES)
    )
