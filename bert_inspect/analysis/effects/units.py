"""The units of a model, or of a sentence, that are edited one by one, and how."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from ...traces.sentences import real_places
from ..explain.faithfulness import words_to_mask
from .record import Each


@dataclass(frozen=True, kw_only=True)
class Unit:
    """What is edited in one run: by one edit, or by several of tokens that are one word."""

    edits: tuple[Edit, ...]

    @property
    def layer(self) -> int | None:
        """The layer it lies in, None for tokens."""
        return self.edits[0].layer

    @property
    def number(self) -> int | None:
        """The head or neuron."""
        return self.edits[0].number if self.edits[0].kind != "token" else None

    @property
    def tokens(self) -> list[int]:
        """The places of its tokens."""
        return [edit.number for edit in self.edits if edit.kind == "token" and edit.number is not None]


def units_of_model(loaded: Loaded, each: Each, how: Edit, layer: int | None) -> list[Unit]:
    """Return every unit of a kind that a model has, from the first layer to the last.

    Raises:
        UsageError: there is no such layer.
    """
    if layer is not None and not 0 <= layer < loaded.layers:
        raise UsageError(
            f"there is no layer {layer}: this model has layers 0 to {loaded.layers - 1}", "layers are counted from 0"
        )
    layers = range(loaded.layers) if layer is None else (layer,)
    count = {"head": loaded.sizes.get("heads", 0), "neuron": loaded.sizes.get("intermediate", 0)}.get(each)
    numbers: Sequence[int | None] = (None,) if count is None else range(count)
    return [Unit(edits=(replace(how, layer=at, number=number),)) for at in layers for number in numbers]


def units_of_sentence(batch: Input, row: int, each: Each, *, mask: int) -> list[Unit]:
    """Return the tokens, or words, of a sentence; special tokens, padding and what is the ``mask`` already are none.

    Raises:
        UsageError: the sentence has none.
    """
    if each == "word":
        places = words_to_mask(batch, row)
    else:
        special = batch.special[row] if batch.special else [0] * len(batch.tokens[row])
        places = [(place,) for place in real_places(batch, row) if not special[place]]
    places = [several for several in places if any(batch.input_ids[row][place] != mask for place in several)]
    if not places:
        raise UsageError(f"sentence {row + 1} has no {each} that could be taken away", "give one that has words")
    return [Unit(edits=tuple(Edit(kind="token", number=place) for place in several)) for several in places]
