"""Where heads look whatever comes: the place that gets more than half of a head's attention over a whole corpus.

The places are those of `bert_inspect.traces.vocabulary.places`. A head that gives most of its attention to the first
token or to separators is a sink (Clark et al., "What Does BERT Look At?", 2019, of [SEP] as what a head looks at where
it has nothing to do; Xiao et al., "Efficient Streaming Language Models with Attention Sinks", ICLR 2024, of the first).
"""

from dataclasses import dataclass
from typing import Final

from ...traces.vocabulary.places import MOST, Place
from ..record import Profile

_PLACES: Final[tuple[Place, ...]] = ("first", "separator", "padding", "itself", "previous", "next")
_SINKS: Final = frozenset(("first", "separator"))


@dataclass(frozen=True, kw_only=True)
class Look:
    """Where a head looks over the corpus: its entropy in bits, the share of its attention on each place, and the place
    that gets more than half, None where none does.
    """

    layer: int
    head: int
    entropy: float
    shares: dict[Place, float]
    place: Place | None

    @property
    def on_special(self) -> float:
        """The share on the first token and the separators together."""
        return self.shares["first"] + self.shares["separator"]

    @property
    def sink(self) -> bool:
        """Whether most of its attention goes to the first token and to separators."""
        return self.place in _SINKS if self.place is not None else self.on_special > MOST

    @property
    def largest(self) -> Place:
        """The place with the largest share."""
        return max(self.shares, key=lambda place: self.shares[place])


def looks(profile: Profile) -> list[list[Look]]:
    """Return where each head looks, a list a layer."""
    found = []
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
                )
            )
        found.append(row)
    return found
