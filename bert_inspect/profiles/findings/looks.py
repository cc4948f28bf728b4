"""Where heads look whatever comes: the place that gets more than half of a head's attention over a whole corpus.

The places are those of `bert_inspect.traces.vocabulary.places`. A head that gives most of its attention to the first
token or to separators is a sink (Clark et al., "What Does BERT Look At?", 2019, of [SEP] as what a head looks at where
it has nothing to do; Xiao et al., "Efficient Streaming Language Models with Attention Sinks", ICLR 2024, of the first).
In short sentences attention that is spread evenly gives as much to them: so a sink is also twice what that would give.
"""

from dataclasses import dataclass
from typing import Final

from ...traces.vocabulary.places import MOST, Place
from ..record import Profile

_PLACES: Final[tuple[Place, ...]] = ("first", "separator", "padding", "itself", "previous", "next")
TIMES: Final = 2.0
"""So many times what evenly spread attention would give it a sink gets at least."""
_SINKS: Final = frozenset(("first", "separator"))


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where a head looks over the corpus: its entropy in bits, the share of its attention on each place, and the place
    that gets more than half, None where none does. ``even`` is the share that one token would get, on average, if
    attention were spread evenly over each sentence.
    """

    layer: int
    head: int
    entropy: float
    shares: dict[Place, float]
    place: Place | None
    even: float = 0.0

    @property
    def on_special(self) -> float:
        """The share on the first token and the separators together."""
        return self.shares["first"] + self.shares["separator"]

    @property
    def sink(self) -> bool:
        """Whether most of its attention goes to the first token and to separators, and not because there is little
        else.
        """
        if self.place is not None:
            return self.place in _SINKS and self.shares[self.place] >= TIMES * self.even
        return self.on_special > MOST and self.on_special >= TIMES * 2 * self.even

    @property
    def largest(self) -> Place:
        """The place with the largest share."""
        return max(self.shares, key=lambda place: self.shares[place])


def looks(profile: Profile) -> list[list[Look]]:
    """Return where each head looks, a list a layer."""
    found, even = [], evenly(profile)
    for heads in profile.heads:
        row = []
        for head, entropy in enumerate(heads.entropy):
            shares = {place: float(getattr(heads, place)[head]) for place in _PLACES}
            largest = max(shares, key=lambda place: shares[place])
            row.append(
                Look(
                    layer=heads.layer,
                    head=head,
                    entropy=float(entropy),
                    shares=shares,
                    place=largest if shares[largest] > MOST else None,
                    even=even,
                )
            )
        found.append(row)
    return found


def evenly(profile: Profile) -> float:
    """Return the share that one token gets, on average over all query tokens, of attention that is spread evenly over
    each sentence: 1 / n for each of the n tokens of a sentence, so that every sentence adds 1.
    """
    return profile.input.sentences / profile.input.tokens if profile.input.tokens else 0.0
