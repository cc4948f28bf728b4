"""Which number is explained: by the model's head, and by what was asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch

from ...capture.encode import class_index
from ...capture.outputs.classes import class_names
from ...capture.outputs.plain_numbers import largest, plain
from ...capture.outputs.spans import best_places
from ...errors import UsageError
from ...families import heads
from ...families.heads import Head
from ...loading.loaded import Loaded
from ...traces.focus import Focus
from ...traces.record import Input
from ...traces.sentences import real_places
from ...traces.token_text import token_texts
from ...traces.values import strict
from ...traces.vocabulary import known_as
from .explanation import Logit, Target, What

Returned = Mapping[str, torch.Tensor]
Index = tuple[int, ...]
Scale = Literal["softmax", "sigmoid", "none"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is asked for: the class, choice or token whose number is explained, the one it is held against, and the
    token in the sentence; None each: the model's own answer.
    """

    target: str | None = None
    against: str | None = None
    token: str | None = None


@dataclass(frozen=True, kw_only=True)
class Quantity:
    """A number that the model returned: ``tensor[index]`` or, with ``against``, the difference of two of its entries.
    ``row`` is the sentence that it is told of, ``names`` what each entry of the innermost axis stands for, ``scale``
    what makes probabilities of it.
    """

    row: int
    tensor: str
    index: Index
    against: Index | None
    target: Target
    names: Sequence[str]
    scale: Scale = "softmax"

    def of(self, returned: Returned) -> torch.Tensor:
        """Return the number, a scalar with its graph."""
        held = returned[self.tensor]
        return held[self.index] if self.against is None else held[self.index] - held[self.against]

    def probability(self, returned: Returned) -> float | None:
        """Return the probability of what it is the number of, None where it has none."""
        logits = plain(returned[self.tensor])
        if self.scale == "none":
            return None
        if self.scale == "sigmoid":
            return float(logits[self.index].sigmoid())
        return float(logits[self.index[:-1]].softmax(dim=0)[self.index[-1]])

    def in_row(self, row: int) -> "Quantity":
        """Return the same of another row of what the model returned."""
        against = None if self.against is None else (row, *self.against[1:])
        return replace(self, index=(row, *self.index[1:]), against=against)

    def answer(self, returned: Returned) -> str:
        """Return what the model answers there, in words; empty where it gives a bare number."""
        logits = plain(returned[self.tensor])
        if self.target.what == "replaced token":
            return self.names[int(logits[self.index] > 0)]
        if self.scale == "none":
            return ""
        return self.names[largest(logits[self.index[:-1]].tolist())]


def quantities(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    """Return what is explained of each sentence of a batch; of multiple choice, one number of the choices together.

    Raises:
        UsageError: the model has no head, or not the class or the token that was asked for.
    """
    return _BY_HEAD[loaded.head](loaded, batch, returned, wanted)


def check_wanted(loaded: Loaded, wanted: Wanted) -> None:
    """Refuse what no sentence could change.

    Raises:
        UsageError: the model has no head, or its head has nothing of the kind that was asked for.
    """
    if loaded.head is heads.NO_HEAD:
        raise UsageError(
            "this model has no head, so it gives no answer that could be explained",
            f"read it with a head: --task {heads.SEQUENCE_CLASSIFICATION.task}",
        )
    if wanted.token is not None and loaded.head in _WHOLE_SENTENCES:
        raise UsageError("--token chooses one of several answers in a sentence", "this model gives one a sentence")
    if wanted.against is not None and (loaded.head in _ONE_NUMBER or loaded.model.config.num_labels == 1):
        raise UsageError("--against needs a second class to compare with", "leave it out: there is one number only")


_WHOLE_SENTENCES = (heads.SEQUENCE_CLASSIFICATION, heads.NEXT_SENTENCE, heads.MULTIPLE_CHOICE)
_ONE_NUMBER = (heads.REPLACED_TOKENS, heads.QUESTION_ANSWERING)


def _classes(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return _of_classes(loaded, batch, returned, wanted, known_as.LOGITS, class_names(loaded.model.config))


def _next_sentence(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return _of_classes(loaded, batch, returned, wanted, known_as.LOGITS, loaded.head.classes)


def _of_classes(
    loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted, tensor: str, names: Sequence[str]
) -> list[Quantity]:
    config = loaded.model.config
    own = tensor == known_as.LOGITS and loaded.head.takes_labels
    regression = own and (config.num_labels == 1 or config.problem_type == "regression")
    several = own and config.problem_type == "multi_label_classification"
    logits = plain(returned[tensor])
    shares = None if regression else logits.sigmoid() if several else logits.softmax(dim=-1)
    return [
        _quantity(
            "class",
            row,
            tensor,
            (row,),
            logits[row].tolist(),
            None if shares is None else shares[row].tolist(),
            names,
            wanted,
        )
        for row in range(len(batch.texts))
    ]


def _quantity(
    what: What,
    row: int,
    tensor: str,
    place: Index,
    logits: Sequence[float],
    shares: Sequence[float] | None,
    names: Sequence[str],
    wanted: Wanted,
    *,
    token: int | None = None,
    named: Callable[[str], int] | None = None,
) -> Quantity:
    """Return the quantity of one of several logits at a place of a tensor: the largest, or that which was named."""
    find = named or (lambda name: _class(name, names[: len(logits)]))
    index = largest(logits) if wanted.target is None else find(wanted.target)
    against = None if wanted.against is None else find(wanted.against)
    if against == index:
        raise UsageError(
            f"--against {wanted.against} is what is explained itself", "name another class, or another --target"
        )

    def logit(at: int) -> Logit:
        share = None if shares is None else strict(shares[at])
        label = names[at] if at < len(names) else f"LABEL_{at}"
        return Logit(index=at, label=label, logit=strict(logits[at]), probability=share)

    target = Target(
        what=what,
        of=logit(index),
        against=None if against is None else logit(against),
        token=token,
        log_odds=against is not None and len(logits) == 2 and shares is not None and abs(sum(shares) - 1) < 1e-6,
    )
    other = None if against is None else (*place, against)
    scale: Scale = "none" if shares is None else "softmax" if abs(sum(shares) - 1) < 1e-6 else "sigmoid"
    return Quantity(
        row=row, tensor=tensor, index=(*place, index), against=other, target=target, names=names, scale=scale
    )


def _class(name: str, names: Sequence[str]) -> int:
    """Return the index of a class by its name or its number.

    Raises:
        UsageError: the model has no such class.
    """
    index = int(class_index(name, names))
    if not 0 <= index < len(names):
        raise UsageError(f"there is no class {index}: the model has classes 0 to {len(names) - 1}", "name one of them")
    return index


def _choices(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    logits = plain(returned[known_as.LOGITS])[0]
    names = batch.pairs or batch.texts
    shares = logits.softmax(dim=0).tolist()
    found = _quantity("choice", 0, known_as.LOGITS, (0,), logits.tolist(), shares, names, wanted)
    return [replace(found, row=found.index[1])]


def _token_labels(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    names = class_names(loaded.model.config)
    logits = plain(returned[known_as.LOGITS])
    shares = logits.softmax(dim=-1)
    found = []
    for row in range(len(batch.texts)):
        place = _place(batch, row, wanted)
        if place is None:
            labelled = [at for at in _own_tokens(batch, row) if names[int(shares[row, at].argmax())] != "O"]
            place = max(labelled or _own_tokens(batch, row), key=lambda at: float(shares[row, at].max()))
        at = logits[row, place].tolist(), shares[row, place].tolist()
        found.append(_quantity("token label", row, known_as.LOGITS, (row, place), *at, names, wanted, token=place))
    return found


def _replaced(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    if wanted.target is not None:
        raise UsageError("this head gives each token one number", "choose the token: --token TEXT")
    logits = plain(returned[known_as.LOGITS])
    found = []
    for row in range(len(batch.texts)):
        place = _place(batch, row, wanted)
        if place is None:
            place = max(_own_tokens(batch, row), key=lambda at: float(logits[row, at]))
        logit = float(logits[row, place])
        share = strict(float(logits[row, place].sigmoid()))
        told = Logit(label=loaded.head.classes[1], logit=strict(logit), probability=share)
        target = Target(what="replaced token", of=told, token=place)
        found.append(
            Quantity(
                row=row,
                tensor=known_as.LOGITS,
                index=(row, place),
                against=None,
                target=target,
                names=loaded.head.classes,
                scale="sigmoid",
            )
        )
    return found


def _answers(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    which = (wanted.target or "start").casefold()
    if which not in ("start", "end"):
        raise UsageError(f"{wanted.target!r} is neither the start nor the end of an answer", "write start or end")
    start, end = (plain(returned[name]) for name in (known_as.START_LOGITS, known_as.END_LOGITS))
    tensor, logits = (known_as.START_LOGITS, start) if which == "start" else (known_as.END_LOGITS, end)
    found = []
    for row in range(len(batch.texts)):
        place = _place(batch, row, wanted)
        if place is None:
            best = best_places(batch, row, start[row].numpy(), end[row].numpy())
            place = real_places(batch, row)[0] if best is None else int(best[which == "end"])
        share = strict(float(logits[row].softmax(dim=0)[place]))
        told = Logit(label=which, logit=strict(float(logits[row, place])), probability=share)
        what: What = "start of the answer" if which == "start" else "end of the answer"
        target = Target(what=what, of=told, token=place)
        names = token_texts(batch, row)
        found.append(Quantity(row=row, tensor=tensor, index=(row, place), against=None, target=target, names=names))
    return found


def _masks(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return _of_masks(loaded, batch, returned, wanted, known_as.LOGITS)


def _of_masks(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted, tensor: str) -> list[Quantity]:
    tokenizer, found = loaded.tokenizer, []
    for row in range(len(batch.texts)):
        place = _place(batch, row, wanted)
        if place is None:
            place = _mask(batch, row, tokenizer)
        logits = plain(returned[tensor][row, place])
        names = _Vocabulary(tokenizer, len(logits))
        shares = logits.softmax(dim=0).tolist()
        found.append(
            _quantity(
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
            f"write {getattr(tokenizer, 'mask_token', None) or '[MASK]'} in it, or choose a token: --token TEXT",
        )
    return masks[0]


def _pre_training(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    """Return what stands at a mask where there is one or a token is named; else what is asked of the pair."""
    tensor = known_as.SOP_LOGITS if known_as.SOP_LOGITS in returned else known_as.SEQ_RELATIONSHIP_LOGITS
    mask = getattr(loaded.tokenizer, "mask_token_id", None)
    masked = all(mask in ids for ids in batch.input_ids)
    of_pair = wanted.target in loaded.head.classes or (wanted.token is None and not masked)
    if of_pair and wanted.token is None:
        return _of_classes(loaded, batch, returned, wanted, tensor, loaded.head.classes)
    return _of_masks(loaded, batch, returned, wanted, known_as.PREDICTION_LOGITS)


def _place(batch: Input, row: int, wanted: Wanted) -> int | None:
    """Return the place of the token that was named, None where none was.

    Raises:
        UsageError: the sentence has no such token, or it is padding.
    """
    if wanted.token is None:
        return None
    focus = Focus(token=wanted.token)
    focus.check(batch, heads=None)
    place = focus.place(batch, row)
    if place is None or place not in real_places(batch, row):
        raise UsageError(
            f"sentence {row + 1} has no token {wanted.token!r}", "name one that every sentence has, or its place"
        )
    return place


def _own_tokens(batch: Input, row: int) -> list[int]:
    """Return the places of a sentence's tokens that are neither padding nor special; all real ones where none is."""
    real = real_places(batch, row)
    return [place for place in real if not batch.special or not batch.special[row][place]] or real


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


_BY_HEAD: dict[Head, Callable[[Loaded, Input, Returned, Wanted], list[Quantity]]] = {
    heads.SEQUENCE_CLASSIFICATION: _classes,
    heads.TOKEN_CLASSIFICATION: _token_labels,
    heads.QUESTION_ANSWERING: _answers,
    heads.MASKED_LM: _masks,
    heads.MULTIPLE_CHOICE: _choices,
    heads.NEXT_SENTENCE: _next_sentence,
    heads.PRE_TRAINING: _pre_training,
    heads.SENTENCE_ORDER: _pre_training,
    heads.REPLACED_TOKENS: _replaced,
}
