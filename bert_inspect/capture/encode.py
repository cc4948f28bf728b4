"""From sentences to a padded batch, with everything that happened to the text on the way."""

from collections.abc import Sequence
from dataclasses import dataclass
from threading import RLock
from typing import Any

from ..corpus.sentence_file import check_length
from ..errors import UsageError
from ..traces.record import Input
from .piece_spans import pieces_of, without_spaces

_MOST_NAMES = 20
Label = float | str
"""The index of a class, or its name."""
Indices = list[int | float | list[int | float]]
"""Of each sentence the index of its class, or of several."""


@dataclass(frozen=True, kw_only=True)
class Sentences:
    """What the user wants tokenized: sentences, perhaps a second one to each, perhaps a label to each (the index of a
    class, or its name), or a list of labels where the model gives several. With ``choices`` there is one sentence, and
    each of them may follow it.
    """

    texts: Sequence[str]
    pairs: Sequence[str] | None = None
    labels: Sequence[Label | Sequence[Label]] | None = None
    choices: Sequence[str] | None = None

    def __post_init__(self) -> None:
        """Check what can be checked without a model.

        Raises:
            UsageError: there is no sentence, one is not text or far too long, or the counts do not agree.
        """
        if not self.texts:
            raise UsageError("there is no sentence to run", 'give one: bert-inspect run "I love cats!"')
        for what, column in (("second sentence", self.pairs), ("label", self.labels)):
            if column is not None and len(column) != len(self.texts):
                raise UsageError(
                    f"{_count(len(self.texts), 'sentence')} but {_count(len(column), what)}",
                    f"give as many {what}s as sentences",
                )
        if self.choices is not None and (len(self.texts) != 1 or self.pairs is not None or not self.choices):
            raise UsageError(
                "choices follow one sentence, without a pair",
                "give one sentence, and what may follow it as `choices`",
            )
        others = "pair" if self.choices is None else "choice"
        second = self.pairs if self.choices is None else self.choices
        for number, text in enumerate([*self.texts, *(second or ())], start=1):
            which = f"sentence {number}" if number <= len(self.texts) else f"{others} {number - len(self.texts)}"
            check_length(text, which)
            try:
                text.encode()
            except UnicodeEncodeError as error:
                raise UsageError(f"{which} is not valid UTF-8 text", "save or send it as UTF-8") from error


def check_labels(labels: Sequence[float | Sequence[float]], *, num_labels: int, several: bool) -> None:
    """Refuse labels that the model has no class for, and several to a sentence where it gives one.

    Raises:
        UsageError: names the first such label.
    """
    for number, given in enumerate(labels, start=1):
        if isinstance(given, Sequence) and not several:
            raise UsageError(
                f"sentence {number} is given {_count(len(given), 'label')}, and this model gives one to a sentence",
                "its problem_type in config.json would have to be multi_label_classification",
            )
        if num_labels == 1 and not several:
            continue
        for label in given if isinstance(given, Sequence) else [given]:
            if label != int(label) or not 0 <= label < num_labels:
                raise UsageError(
                    f"label {label:g} of sentence {number} is not a class of this model",
                    f"its classes are 0 to {num_labels - 1}",
                )


def class_indices(labels: Sequence[Label | Sequence[Label]], names: Sequence[str]) -> Indices:
    """Return labels as the indices of classes; ``names`` are those of the model's classes, in their order. Upper and
    lower case are the same where that leaves no doubt, and ``a+b`` are several.

    Raises:
        UsageError: no class, or more than one, has such a name.
    """
    found: Indices = []
    for given in labels:
        if isinstance(given, str) and "+" in given and given not in names:
            given = given.split("+")
        if isinstance(given, str) or not isinstance(given, Sequence):
            found.append(class_index(given, names))
        else:
            found.append([class_index(label, names) for label in given])
    return found


def class_index(label: Label, names: Sequence[str]) -> int | float:
    """Return one label as the index of a class, as `class_indices` does; a number is not held against the names.

    Raises:
        UsageError: no class, or more than one, has such a name.
    """
    if not isinstance(label, str):
        return label
    if label.strip().isdecimal():
        return int(label)
    label = label.strip()
    alike = [place for place, name in enumerate(names) if name.casefold() == label.casefold()]
    exact = [place for place, name in enumerate(names) if name == label]
    found = exact or alike
    if len(found) != 1:
        raise UsageError(
            f"{label!r} is not a label of this model" if not found else f"{label!r} is the label of several classes",
            f"its labels are {', '.join(names[:_MOST_NAMES])}{' ...' if len(names) > _MOST_NAMES else ''}; or write "
            "the index of the class",
        )
    return found[0]


class Limit(int):
    """How many tokens a sentence may have, with whose limit that is (``whose``, a clause for the reader) and, where
    ``max_length`` can raise it, up to how many (``most``).
    """

    whose: str
    most: int | None

    @classmethod
    def of(cls, tokens: int, whose: str, *, most: int | None = None) -> "Limit":
        """Return a limit of so many tokens."""
        limit = cls(tokens)
        limit.whose, limit.most = whose, most
        return limit


def check_tokenizer(tokenizer: Any) -> None:
    """Refuse what is no fast tokenizer.

    Raises:
        UsageError: names its class.
    """
    if not getattr(tokenizer, "is_fast", False):
        raise UsageError(
            f"{type(tokenizer).__name__} does not say where its tokens stand in the text",
            "load the fast tokenizer: AutoTokenizer of transformers gives it",
        )


def token_limit(tokenizer: Any, positions: int | None, max_length: int | None) -> Limit:
    """Return how many tokens a sentence may have: as many as the user asks for, else as the tokenizer says, and never
    more than the model has positions.
    """
    own = int(tokenizer.model_max_length)
    asked = own if max_length is None else max_length
    if positions is not None and asked >= positions:
        return Limit.of(positions, f"the model has {positions:,} positions")
    if max_length is not None:
        return Limit.of(max_length, "as asked for")
    has = f", the model has {positions:,} positions" if positions is not None else ""
    return Limit.of(own, f"so says the tokenizer (model_max_length){has}", most=positions)


def encode(
    tokenizer: Any, sentences: Sentences, *, limit: int | None, truncate: bool, label_names: Sequence[str] = ()
) -> Input:
    """Tokenize the sentences into one batch, padded to the longest.

    Rows are ``(batch, tokens)``; ``limit`` is the most tokens a sentence may have, special ones included, and
    ``label_names`` are the names of the model's classes.

    Raises:
        UsageError: the tokenizer is not a fast one, or a sentence is longer than the limit and may not be cut, or a
            label names no class.
    """
    check_tokenizer(tokenizer)
    with _one_at_a_time:
        return _encoded(tokenizer, sentences, limit=limit, truncate=truncate, label_names=label_names)


_one_at_a_time = RLock()
"""A fast tokenizer is told anew for each call how to pad and cut, which older ones do not take from two threads at a
time (``Already borrowed``).
"""


def _encoded(
    tokenizer: Any, sentences: Sentences, *, limit: int | None, truncate: bool, label_names: Sequence[str]
) -> Input:
    texts = list(sentences.texts)
    pairs = list(sentences.pairs) if sentences.pairs is not None else None
    if sentences.choices is not None:  # a row for each choice
        texts, pairs = texts * len(sentences.choices), list(sentences.choices)
    whole = tokenizer(texts, pairs, padding=False, truncation=False, verbose=False)
    lengths = [len(ids) for ids in whole["input_ids"]]
    check_lengths(tokenizer, lengths, limit=limit, truncate=truncate, pairs=pairs is not None)
    too_long = limit is not None and max(lengths) > limit
    batch = tokenizer(
        texts,
        pairs,
        padding=len(texts) > 1,
        truncation=too_long,
        max_length=limit if too_long else None,
        return_token_type_ids=True,
        return_attention_mask=True,
        return_special_tokens_mask=True,
        verbose=False,
    )
    rows = range(len(texts))
    types = [list(ids) for ids in batch["token_type_ids"]]
    if "token_type_ids" not in tokenizer.model_input_names:
        types = [[0] * len(ids) for ids in types]  # the model is given none, and takes 0
    sides = [[side or 0 for side in batch.sequence_ids(row)] for row in rows]
    # A special token is of no text; which one is told of it says nothing.
    told = all(
        own is None or own == kind
        for row in rows
        for own, kind in zip(batch.sequence_ids(row), types[row], strict=True)
    )
    pieces = pieces_of(tokenizer)
    tokens = [names_of(tokenizer, batch["input_ids"][row], batch.tokens(row)) for row in rows]
    return Input(
        texts=texts,
        pairs=pairs,
        tokens=tokens,
        offsets=[
            [
                without_spaces(pairs[row] if pairs and side else texts[row], span, token=token, pieces=pieces)
                for span, token, side in zip(batch[row].offsets, tokens[row], sides[row], strict=True)
            ]
            for row in rows
        ],
        words=[list(batch.word_ids(row)) for row in rows],
        special=[list(mask) for mask in batch["special_tokens_mask"]],
        decoded=[tokenizer.decode(ids) for ids in batch["input_ids"]],
        input_ids=[list(ids) for ids in batch["input_ids"]],
        token_type_ids=types,
        text_ids=[] if told else sides,
        pieces=pieces,
        attention_mask=[list(mask) for mask in batch["attention_mask"]],
        labels=None if sentences.labels is None else class_indices(sentences.labels, label_names),
        truncated=[length - sum(mask) for length, mask in zip(lengths, batch["attention_mask"], strict=True)],
    )


def names_of(tokenizer: Any, ids: Sequence[int], spelled: Sequence[str]) -> list[str]:
    """Return what the vocabulary calls the tokens of a sentence. The tokenizer may spell an unknown one as the text
    that it stands for, and an added one with the spaces around it.
    """
    named = tokenizer.convert_ids_to_tokens(ids)
    return [text if name is None else name for name, text in zip(named, spelled, strict=True)]


def check_lengths(tokenizer: Any, lengths: Sequence[int], *, limit: int | None, truncate: bool, pairs: bool) -> None:
    """Refuse sentences of which the tokenizer can make no batch: too long, or of different length without padding.

    Raises:
        UsageError: says which, counted from 1.
    """
    too_long = [number for number, length in enumerate(lengths, start=1) if limit is not None and length > limit]
    if too_long and not truncate:
        length, whose, most = lengths[too_long[0] - 1], "", None
        if isinstance(limit, Limit):
            whose, most = f": {limit.whose}", limit.most
        whole = f"run it whole with `max_length={most}`, " if most is not None and length <= most else ""
        raise UsageError(
            f"sentence {too_long[0]} has {length} tokens, the limit is {limit}{whose}",
            f"{whole}cut it with `truncate=True`, or split it",
        )
    if not all(lengths):
        empty = next(number for number, length in enumerate(lengths, start=1) if not length)
        raise UsageError(f"sentence {empty} has no tokens: this tokenizer adds no special ones", "leave it out")
    least = tokenizer.num_special_tokens_to_add(pair=pairs)
    if limit is not None and limit < least:
        raise UsageError(f"{limit} tokens leave no room for the {least} special ones", "raise `max_length`")
    if len(set(lengths)) > 1 and tokenizer.pad_token is None:
        raise UsageError(
            "the tokenizer has no padding token for sentences of different length",
            "name it in tokenizer_config.json (pad_token), or run them one by one",
        )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
