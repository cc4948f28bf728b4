"""Which number is explained of a head that predicts tokens: that of a token of the vocabulary at a mask."""

from collections.abc import Sequence
from typing import Any

from ...capture.outputs.classes import Returned
from ...capture.outputs.plain_numbers import plain
from ...errors import UsageError
from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import real_places
from .quantity import Quantity, chosen, named_place
from .wanted import Wanted


def at_masks(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted, tensor: str) -> list[Quantity]:
    """Return the number of a token at a place of each sentence: by default of the best one, at the first mask.

    Raises:
        UsageError: a sentence has no mask, or the vocabulary no such token.
    """
    tokenizer, found = loaded.tokenizer, []
    for row in range(len(batch.texts)):
        place = named_place(batch, row, wanted)
        if place is None:
            place = _mask(batch, row, tokenizer)
        logits = plain(returned[tensor][row, place])
        names = _Vocabulary(tokenizer, len(logits))
        shares = logits.softmax(dim=0).tolist()
        found.append(
            chosen(
                "token at a mask",
                row,
                tensor,
                (row, place),
                logits.tolist(),
                shares,
                names,
                wanted,
                token=place,
                named=names.id_of,
            )
        )
    return found


def _mask(batch: Input, row: int, tokenizer: Any) -> int:
    """Return the place of a sentence's first mask.

    Raises:
        UsageError: it has none.
    """
    mask = getattr(tokenizer, "mask_token_id", None)
    masks = [place for place in real_places(batch, row) if batch.input_ids[row][place] == mask]
    if not masks:
        raise UsageError(
            f"sentence {row + 1} has no mask for the model to fill",
            f"write {getattr(tokenizer, 'mask_token', None) or '[MASK]'} in it, or choose a token with `token`",
        )
    return masks[0]


class _Vocabulary(Sequence[str]):
    """The tokens of a vocabulary by their ids."""

    def __init__(self, tokenizer: Any, size: int) -> None:
        self._tokenizer, self._size = tokenizer, size

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, index: Any) -> Any:
        return str(self._tokenizer.convert_ids_to_tokens(int(index)) or "") if self._tokenizer else f"id {index}"

    def id_of(self, name: str) -> int:
        """Return the id of a token by its piece, its text or its id.

        Raises:
            UsageError: the vocabulary has no such token.
        """
        if self._tokenizer is not None:
            known = self._tokenizer.get_vocab()
            for piece in (name, name.lower(), f"Ġ{name}", f"▁{name}"):
                if piece in known:
                    return int(known[piece])
        if name.isdecimal() and int(name[:12]) < self._size:
            return int(name)
        raise UsageError(
            f"the vocabulary has no token {name!r}", "name one piece of it: bert-inspect tokens shows them"
        )
