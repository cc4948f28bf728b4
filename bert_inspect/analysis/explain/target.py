"""Which number is explained: by the model's head, and by what was asked for."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from ...capture.outputs.classes import Returned, Scale, class_names, probabilities_of, scale_of
from ...capture.outputs.plain_numbers import plain
from ...capture.outputs.spans import best_places
from ...errors import UsageError
from ...families import heads
from ...families.heads import Head
from ...loading.loaded import Loaded
from ...traces.entities import OUTSIDE
from ...traces.record import Input
from ...traces.sentences import real_places
from ...traces.token_text import token_texts
from ...traces.values import strict
from ...traces.vocabulary import known_as
from .explanation import Logit, Target, What
from .quantity import Quantity, chosen, named_place
from .vocabulary_target import at_masks
from .wanted import Wanted


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
            "this model has no head, so it gives no answer to ask about",
            f'read it with a head: `task="{heads.SEQUENCE_CLASSIFICATION.task}"`',
        )
    if wanted.token is not None and loaded.head in _WHOLE_SENTENCES:
        raise UsageError("this model gives one answer a sentence: there is no token to choose", "leave `token` out")
    if wanted.against is not None and (
        loaded.head in _ONE_NUMBER or (loaded.head.takes_labels and loaded.model.config.num_labels == 1)
    ):
        raise UsageError("there is no second class to hold the number against", "leave `against` out")


_WHOLE_SENTENCES = (heads.SEQUENCE_CLASSIFICATION, heads.NEXT_SENTENCE, heads.MULTIPLE_CHOICE)
_ONE_NUMBER = (heads.REPLACED_TOKENS, heads.QUESTION_ANSWERING)


def _classes(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return _of_classes(loaded, batch, returned, wanted, known_as.LOGITS, class_names(loaded.model.config))


def _next_sentence(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return _of_classes(loaded, batch, returned, wanted, known_as.LOGITS, loaded.head.classes)


def _of_classes(
    loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted, tensor: str, names: Sequence[str]
) -> list[Quantity]:
    scale: Scale = scale_of(loaded.model.config) if loaded.head.takes_labels else "softmax"
    logits = plain(returned[tensor])
    shares = probabilities_of(logits, scale)
    return [
        chosen(
            "class",
            row,
            tensor,
            (row,),
            logits[row].tolist(),
            None if shares is None else shares[row].tolist(),
            names,
            wanted,
            scale=scale,
        )
        for row in range(len(batch.texts))
    ]


def _choices(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    logits = plain(returned[known_as.LOGITS])[0]
    names = batch.pairs or batch.texts
    shares = logits.softmax(dim=0).tolist()
    found = chosen("choice", 0, known_as.LOGITS, (0,), logits.tolist(), shares, names, wanted)
    return [replace(found, row=found.index[1])]


def _token_labels(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    names = class_names(loaded.model.config)
    logits = plain(returned[known_as.LOGITS])
    shares = logits.softmax(dim=-1)
    found = []
    for row in range(len(batch.texts)):
        place = named_place(batch, row, wanted)
        if place is None:
            labelled = [at for at in _own_tokens(batch, row) if names[int(shares[row, at].argmax())] != OUTSIDE]
            place = max(labelled or _own_tokens(batch, row), key=lambda at: float(shares[row, at].max()))
        at = logits[row, place].tolist(), shares[row, place].tolist()
        found.append(chosen("token label", row, known_as.LOGITS, (row, place), *at, names, wanted, token=place))
    return found


def _replaced(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    if wanted.target is not None:
        raise UsageError("this head gives each token one number", "choose the token with `token`")
    logits = plain(returned[known_as.LOGITS])
    found = []
    for row in range(len(batch.texts)):
        place = named_place(batch, row, wanted)
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
        best = partial(_edge, batch, row, which == "end")
        place = named_place(batch, row, wanted)
        if place is None:
            place = best(returned, row)
        share = strict(float(logits[row].softmax(dim=0)[place]))
        told = Logit(label=which, logit=strict(float(logits[row, place])), probability=share)
        what: What = "start of the answer" if which == "start" else "end of the answer"
        target = Target(what=what, of=told, token=place)
        names = token_texts(batch, row)
        index = (row, place)
        found.append(Quantity(row=row, tensor=tensor, index=index, against=None, target=target, names=names, best=best))
    return found


def _edge(batch: Input, row: int, last: bool, returned: Returned, at: int) -> int:
    """Return the place of the first or the last token of the best answer of a sentence, which stands in the row ``at``
    of what was returned.
    """
    start, end = (plain(returned[name])[at].numpy() for name in (known_as.START_LOGITS, known_as.END_LOGITS))
    best = best_places(batch, row, start, end)
    return real_places(batch, row)[0] if best is None else int(best[last])


def _masks(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    return at_masks(loaded, batch, returned, wanted, known_as.LOGITS)


def _pre_training(loaded: Loaded, batch: Input, returned: Returned, wanted: Wanted) -> list[Quantity]:
    """Return what stands at a mask where there is one or a token is named; else what is asked of the pair."""
    tensor = known_as.SOP_LOGITS if known_as.SOP_LOGITS in returned else known_as.SEQ_RELATIONSHIP_LOGITS
    mask = getattr(loaded.tokenizer, "mask_token_id", None)
    masked = all(mask in ids for ids in batch.input_ids)
    of_pair = wanted.target in loaded.head.classes or (wanted.token is None and not masked)
    if of_pair and wanted.token is None:
        return _of_classes(loaded, batch, returned, wanted, tensor, loaded.head.classes)
    return at_masks(loaded, batch, returned, wanted, known_as.PREDICTION_LOGITS)


def _own_tokens(batch: Input, row: int) -> list[int]:
    """Return the places of a sentence's tokens that are neither padding nor special; all real ones where none is."""
    real = real_places(batch, row)
    return [place for place in real if not batch.special or not batch.special[row][place]] or real


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
