"""What of a tensor's values is kept where only a screen or a page will show them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..capture.keep import Ends


def for_the_screen() -> "Ends":
    """Return the part of each tensor that is shown."""
    from ..capture.keep import Ends
    from ..render.sizes import SHOWN_ENDS, SHOWN_SENTENCES

    return Ends(entries=SHOWN_ENDS, sentences=SHOWN_SENTENCES)
