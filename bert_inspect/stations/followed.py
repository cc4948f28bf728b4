"""Which head, which two tokens and which place of the hidden states are followed through the tour."""

from dataclasses import dataclass

import numpy as np

from ..traces.sentences import real_places
from ..traces.token_text import token_texts
from ..traces.vocabulary import labels
from ..traces.vocabulary.axes import FOLDED
from .tour import Tour


@dataclass(frozen=True, kw_only=True)
class Followed:
    """A head, a query and a key token of the sentence by their places, and a place of the hidden states.

    ``share`` is the attention that the query token gives to the key token, None where that is not known.
    """

    head: int
    query: int
    key: int
    hidden: int
    share: float | None = None

    def place(self, tour: Tour, axis: str, size: int) -> int | None:
        """Return the place along an axis that is followed; None where nothing along it is."""
        found: dict[str, int] = {
            "batch": tour.row if size > 1 else 0,
            FOLDED: tour.row * tour.names.heads + self.head,
            "heads": self.head if size > 1 else 0,
            "tokens": self.query if size > 1 else 0,
            "query tokens": self.query if size > 1 else 0,
            "key tokens": self.key if size > 1 else 0,
            "hidden": self.hidden,
        }
        place = found.get(axis)
        return place if place is not None and place < size else None


def followed(tour: Tour) -> Followed:
    """Return what is followed: the head of the layer in which one word looks most at another, these two words, and the
    place where the word that looks has its largest number of the embeddings.

    Words are tokens that are neither special nor padding nor punctuation, where there are two of them. Without numbers
    it is the first of each.
    """
    words = _words(tour)
    step = tour.in_layer(labels.ATTENTION_PROBABILITIES)
    held = None if step is None else tour.values(step)
    head, query, key, share = 0, words[0], words[-1], None
    if held is not None and held.ndim == 4 and tour.row < held.shape[0] and len(words) > 1:
        among = held[tour.row][:, words][:, :, words].astype(np.float64)
        among[:, range(len(words)), range(len(words))] = -1.0
        among = np.where(np.isfinite(among), among, -1.0)
        head, at, other = (int(each) for each in np.unravel_index(int(among.argmax()), among.shape))
        query, key, share = words[at], words[other], float(among[head, at, other])
    elif held is not None and held.ndim == 4 and tour.row < held.shape[0]:
        share = float(held[tour.row, head, query, key])
    return Followed(head=head, query=query, key=key, hidden=_hidden(tour, query), share=share)


def _words(tour: Tour) -> list[int]:
    batch, row = tour.batch, tour.row
    real = real_places(batch, row) or [0]
    plain = [place for place in real if not (batch.special and batch.special[row][place])]
    texts = token_texts(batch, row)
    spelled = [place for place in plain if any(sign.isalnum() for sign in texts[place])]
    return next((places for places in (spelled, plain, real) if len(places) > 1), real)


def _hidden(tour: Tour, token: int) -> int:
    step = tour.hidden_state(0)
    held = None if step is None else tour.values(step)
    if held is None or held.ndim != 3 or tour.row >= held.shape[0]:
        return 0
    own = np.abs(held[tour.row, token].astype(np.float64))
    return int(np.where(np.isfinite(own), own, -1.0).argmax())
