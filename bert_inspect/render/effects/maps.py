"""Effects as a map: of layers by heads, or of tokens by the hidden states before and after each layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from msgspec import structs

from ...analysis.effects.record import AnswerEffects, Effect, Effects
from ...traces.values import Number
from . import patch_said
from .chosen import Shown

TOKENS = "rows: tokens, *: differs between the two sentences; columns: hidden_states, 0 before layer 0"


@dataclass(frozen=True, kw_only=True)
class MapRow:
    """A row of a map: a layer, or a token in its place; ``marked`` says that the other sentence has another token."""

    name: str
    numbers: Sequence[Number]
    place: int
    marked: bool = False


@dataclass(frozen=True, kw_only=True)
class EffectMap:
    """A map of effects.

    Attributes:
        of: what its cells are: ``head``, or ``token``: hidden states.
        rows: of all layers, or of all tokens.
        signs: whether numbers may be negative.
    """

    of: str
    rows: Sequence[MapRow]
    signs: bool = True

    @property
    def columns(self) -> int:
        """How many columns it has."""
        return max((len(row.numbers) for row in self.rows), default=0)

    def column(self, at: int) -> str:
        """Return what stands in a column: ``head 7``, ``hidden_states[3]``."""
        return f"head {at}" if self.of == "head" else f"hidden_states[{at}]"


def head_map(effects: Sequence[Shown]) -> EffectMap:
    """Return the map of the effects of heads."""
    return _of_layers({layer: [each.effect for each in row] for layer, row in _by_layer(effects).items()}, signs=True)


def importance_map(effects: Sequence[Shown], importance: Sequence[Sequence[Number]]) -> EffectMap:
    """Return the map of how important heads are, of the layers that these effects are of."""
    return _of_layers(dict(zip(_by_layer(effects), importance, strict=True)), signs=False)


def patch_map(found: Effects, answer: AnswerEffects) -> EffectMap | None:
    """Return the map of what each head, or each hidden state, carries over; None where whole blocks were patched."""
    effects = as_shares(answer.effects)
    if found.each == "head":
        return head_map(effects)
    return _of_tokens(found, answer, effects) if found.each == "layer-token" else None


def as_shares(effects: Sequence[Effect]) -> list[Effect]:
    """Return the effects of patches as shares of the difference of the two runs: 0 nothing of it, 1 all of it."""
    return [structs.replace(effect, effect=_share(effect)) for effect in effects]


def _share(effect: Effect) -> Number:
    assert effect.normalised is not None, "every patch has one"
    return effect.normalised


def _of_tokens(found: Effects, answer: AnswerEffects, effects: Sequence[Effect]) -> EffectMap:
    numbers: dict[int, list[Number]] = {}
    for effect in effects:
        numbers.setdefault(effect.tokens[0], []).append(effect.effect)
    rows = [
        MapRow(
            name=patch_said.token(found, answer.sentence, place),
            numbers=row,
            place=place,
            marked=patch_said.differs(found, place),
        )
        for place, row in numbers.items()
    ]
    return EffectMap(of="token", rows=rows)


def _of_layers(rows: Mapping[int, Sequence[Number]], *, signs: bool) -> EffectMap:
    made = [MapRow(name=f"layer {layer}", numbers=row, place=layer) for layer, row in rows.items()]
    return EffectMap(of="head", rows=made, signs=signs)


def _by_layer(effects: Sequence[Shown]) -> dict[int, list[Shown]]:
    found: dict[int, list[Shown]] = {}
    for effect in effects:
        if effect.layer is not None:
            found.setdefault(effect.layer, []).append(effect)
    return found
