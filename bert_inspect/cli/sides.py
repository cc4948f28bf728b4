"""The two sides of a comparison: what the command line says about both, and about each with ``--a`` and ``--b``."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, get_args

from ..errors import UsageError
from ..loading.spec import Attention, Dtype, ModelSpec, Task, Weights, dtype_named
from ..terminal import as_typed
from ..traces.edits import parse_edits
from .inputs import parse_sentences

if TYPE_CHECKING:
    from ..capture.encode import Sentences
    from ..traces.edits import Edit

_TEXT = ("text", "pair")
_NUMBERS = ("seed", "num_labels")
CHOICES = {
    "task": get_args(Task),
    "attention": get_args(Attention),
    "weights": get_args(Weights),
    "dtype": get_args(Dtype),
}
"""By key, the values that it may have, where it may not have any."""
_FIELDS = {"model": "name", "device": "device", **{key: key for key in (*CHOICES, *_NUMBERS)}}
_EDITS = "ablate"
KEYS = (*_FIELDS, *_TEXT, _EDITS)
"""What can be set for a side."""


@dataclass(frozen=True, kw_only=True)
class SideChoice:
    """One side: its model, its sentences, what is edited in its run, and what was said about it in particular."""

    spec: ModelSpec
    sentences: "Sentences"
    said: tuple[str, ...]
    edits: "tuple[Edit, ...]" = ()

    @property
    def name(self) -> str:
        """How it is called: by what is particular to it."""
        return ", ".join(self.said) or "baseline"


def parse_side(
    option: str, said: Sequence[str] | None, *, base: ModelSpec, sentences: "Sentences | None"
) -> SideChoice:
    """Return a side from its ``KEY=VALUE`` settings, on top of what holds for both.

    Raises:
        UsageError: there is no such key, or it cannot have that value, or the side has no sentence.
    """
    changes: dict[str, Any] = {}
    texts: dict[str, list[str]] = {key: [] for key in (*_TEXT, _EDITS)}
    for setting in said or ():
        key, equals, value = setting.partition("=")
        if not equals or key not in KEYS:
            raise UsageError(
                f"{option} {setting!r} is not a setting", f"write {option} KEY=VALUE; keys are {', '.join(KEYS)}"
            )
        if key in texts:
            texts[key].append(as_typed(value))
        elif _FIELDS[key] in changes:
            raise UsageError(f"{option} gives {key} twice", "give it once")
        else:
            changes[_FIELDS[key]] = _value(option, key, value)
    if texts["text"] or texts["pair"]:
        own = texts["text"] or (list(sentences.texts) if sentences is not None else [])
        labels = None if sentences is None or sentences.labels is None else list(sentences.labels)
        choices = None if sentences is None else sentences.choices
        sentences = replace(parse_sentences(own, pair=texts["pair"] or None, choices=choices), labels=labels)
    if sentences is None:
        raise UsageError(f"side {option[2:]} has no sentence", f"give one for both, or {option} text=...")
    return SideChoice(
        spec=replace(base, **changes),
        sentences=sentences,
        said=tuple(said or ()),
        edits=parse_edits(texts[_EDITS]),
    )


def _value(option: str, key: str, value: str) -> str | int:
    if key in _NUMBERS:
        if not (value.isascii() and value.isdigit()) or (key == "num_labels" and int(value) < 1):
            raise UsageError(f"{option} {key}={value!r} is not a number", f"write {option} {key}=1")
        return int(value)
    value = dtype_named(value) if key == "dtype" else value
    if key in CHOICES and value not in CHOICES[key]:
        raise UsageError(f"{option} {key}={value!r} is not one of {', '.join(CHOICES[key])}")
    return value


def shared(a: SideChoice, b: SideChoice) -> bool:
    """Whether one loaded model serves both sides: attention can be switched on it."""
    return replace(a.spec, attention="eager") == replace(b.spec, attention="eager")
