"""Where the entities of a trace stand: it says their characters, and here of which text and from which token on."""

from collections.abc import Iterator

from .output import Entity, Output, Prediction
from .record import Input

OUTSIDE = "O"
"""What a token is labelled that belongs to no entity."""


def entity_places(batch: Input, output: Output, row: int) -> Iterator[tuple[Entity, int, int | None]]:
    """Yield each entity of a sentence with the text that it is in (1 is the second one of a pair) and the place of its
    first token, which comes after that of the entity before; None where the trace says nothing of tokens.
    """
    labelled = output.tokens[row] if output.tokens else []
    places = iter(range(len(labelled)))
    for entity in output.entities[row]:
        found = next((place for place in places if _begins(batch, row, place, labelled[place], entity)), None)
        yield entity, 0 if found is None or batch.pairs is None else batch.sides(row)[found], found


def _begins(batch: Input, row: int, place: int, token: Prediction | None, entity: Entity) -> bool:
    if token is None or (batch.special and batch.special[row][place]):
        return False
    return batch.offsets[row][place][0] == entity.start and token.label.split("-", 1)[-1] == entity.entity_group
