"""The names of a model's classes, as its config.json has them and as transformers takes them."""

import re
from collections.abc import Iterator
from typing import Any

from ..notices import short
from .values import is_whole, wrong

MOST_LABELS = 100_000
_NUMBER = re.compile(r"-?[0-9]{1,9}")


def checked_labels(named: Any, count: Any) -> dict[str, Any]:
    """Return what `BertConfig` is to be given of ``id2label`` and ``num_labels``: there are as many classes as names,
    whatever numbers these have, and a name that is a number is that number in text.

    Raises:
        ValueError: one of them is no such thing.
    """
    if count is not None and (not is_whole(count) or not 1 <= count <= MOST_LABELS):
        raise wrong("num_labels", count, f"a whole number from 1 to {MOST_LABELS:,}")
    if named is None:
        return {} if count is None else {"num_labels": count}
    if not isinstance(named, dict):
        raise wrong("id2label", named, "an object that names a label for each class")
    if not 1 <= len(named) <= MOST_LABELS:
        raise ValueError(f"id2label names {len(named):,} classes, not 1 to {MOST_LABELS:,}")
    for key, label in named.items():
        if not _NUMBER.fullmatch(key):
            raise ValueError(f"id2label has the key {short(repr(key))}, which is not the number of a class")
        if not isinstance(label, str | int | float):
            raise wrong(f"the name of class {key} in id2label", label, "a text or a number")
    labels = {int(key): str(label) for key, label in named.items()}
    if len(labels) < len(named):
        raise ValueError("id2label names one class twice")
    return {"id2label": labels, "label2id": {label: index for index, label in labels.items()}}


def contradictions(named: dict[int, str] | None, config: dict[str, Any]) -> Iterator[str]:
    """Yield what contradicts the names of the classes, as the ends of sentences that begin with the model's name."""
    count, numbers = config.get("num_labels"), _numbers(config.get("label2id"))
    if named is None:
        own = [label for label in numbers if not re.fullmatch(r"LABEL_[0-9]+", label)]
        if own:
            yield f"names its labels in label2id alone ({short(own[0])} ...), which is not read: set id2label"
        return
    if count not in (None, len(named)):
        yield f"says num_labels {count} and names {len(named)} labels: the names count"
    if sorted(named) != list(range(len(named))):
        first, last = min(named), max(named)
        yield (
            f"numbers its labels from {first} to {last} in id2label, its {len(named):,} classes are counted from 0: a "
            "class without a name of its own number is called LABEL_ and the number"
        )
    for index, label in named.items():
        if numbers and numbers.get(label) != index and list(named.values()).count(label) == 1:
            there = f"{numbers[label]}" if label in numbers else "no class"
            yield f"says in label2id that {short(label)} is {there}, in id2label {index}: id2label counts"
            return


def _numbers(found: Any) -> dict[str, int]:
    """Return what label2id says, empty where it is no object of whole numbers."""
    if not isinstance(found, dict):
        return {}
    whole = {
        label: int(number)
        for label, number in found.items()
        if is_whole(number) or (isinstance(number, str) and _NUMBER.fullmatch(number))
    }
    return whole if len(whole) == len(found) else {}
