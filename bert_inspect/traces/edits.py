"""Edits: what of a model, or of its input, is taken away or changed in a run, as people write it: ``SPEC[=HOW]``.

A spec names a part of the model by what it is (``layer.3.head.7``) or a token (``token:pizza``); the how says what
stands in its place. Without one it is taken away: activations are set to 0, a layer hands on what it received, a token
is replaced by [MASK].
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import PurePath
from typing import Final, Literal

from ..errors import UsageError

Kind = Literal["layer", "attention", "intermediate", "head", "neuron", "token"]
How = Literal["zero", "mean", "resample", "scale", "drop"]

_FORMS: Final[Mapping[str, Kind]] = {
    "layer.N": "layer",
    "layer.N.attention": "attention",
    "layer.N.intermediate": "intermediate",
    "layer.N.head.N": "head",
    "layer.N.neuron.N": "neuron",
    "token.N": "token",
}
"""How a spec is written; a token may be named by its text too."""
_EXAMPLES = "layer.3, layer.3.attention, layer.3.intermediate, layer.3.head.7, layer.3.neuron.12, token.4, token:pizza"
_PARTS: Final[Mapping[Kind, Kind]] = {"attention": "head", "intermediate": "neuron"}
"""All of a layer's heads, or neurons: what one of them is called."""
_OTHER_NAMES: Final[Mapping[str, str]] = {
    "layer.N.head": "layer.N.attention",
    "layer.N.heads": "layer.N.attention",
    "layer.N.neuron": "layer.N.intermediate",
    "layer.N.neurons": "layer.N.intermediate",
    "layer.N.ffn": "layer.N.intermediate",
    "layer.N.mlp": "layer.N.intermediate",
    "layer.N.N": "layer.N.head.N",
    "layer.N.attention.N": "layer.N.head.N",
    "layer.N.attention.head.N": "layer.N.head.N",
    "layer.N.intermediate.N": "layer.N.neuron.N",
}
"""What people may call a spec, as it is written here."""
_IN_LAYER = "layer.N."
_MOST_DIGITS = 9
_HOWS = "zero, mean, mean:PROFILE, resample:TEXT or a number that scales"
_HOW_OF_TOKEN = re.compile(r"(zero|mask|drop|mean|resample:.*)", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One edit.

    Attributes:
        kind: what is edited: a layer as a whole, all heads of its attention, all neurons of its feed-forward part
            (``intermediate``), one of either, or a token.
        layer: the encoder layer, counted from 0; None for a token.
        number: the head, the neuron, or the place of the token; None where there is none.
        text: the token's text, None where its place is named.
        how: ``zero``; ``mean``: over the real tokens of the batch, or of the corpus that a profile in ``file`` is of;
            ``resample``: what the same step gives for another
            ``sentence``; ``scale`` by a ``factor``; ``drop``: a token is left out.
    """

    kind: Kind
    layer: int | None = None
    number: int | None = None
    text: str | None = None
    how: How = "zero"
    factor: float | None = None
    sentence: str | None = None
    file: str | None = None

    @property
    def spec(self) -> str:
        """What is edited, as it is written."""
        if self.kind == "token":
            return f"token:{self.text}" if self.text is not None else f"token.{self.number}"
        if self.kind == "layer":
            return f"layer.{self.layer}"
        return f"layer.{self.layer}.{self.kind}" + (f".{self.number}" if self.number is not None else "")

    def __str__(self) -> str:
        match self.how:
            case "zero":
                return self.spec
            case "scale":
                return f"{self.spec}={repr(self.factor).removesuffix('.0')}"
            case "resample":
                return f'{self.spec}=resample:"{self.sentence}"'
            case "mean" if self.file is not None:
                return f"{self.spec}=mean:{PurePath(self.file).name}"  # a trace tells no folders
        return f"{self.spec}={self.how}"


def parse_edits(written: Sequence[str]) -> tuple[Edit, ...]:
    """Return edits from how people write them, in the order in which they are made.

    Raises:
        UsageError: one is not written as an edit, or two are of the same thing, or one leaves nothing of another.
    """
    edits = tuple(parse_edit(each) for each in written)
    removed = {edit.layer for edit in edits if edit.kind == "layer" and edit.how == "zero"}
    seen: dict[str, Edit] = {}
    for edit in edits:
        if edit.spec in seen:
            raise UsageError(f"{edit.spec} is edited twice", "name it once")
        if edit.kind != "layer" and edit.layer in removed:
            raise UsageError(
                f"{edit.spec} lies in layer {edit.layer}, which is removed", f"leave layer.{edit.layer} or it out"
            )
        part = _PARTS.get(edit.kind)
        for other in seen.values():
            if (other.kind, other.layer) == (part, edit.layer):
                raise UsageError(
                    f"{edit} comes after {other}, and leaves nothing of it",
                    f"write {other} last: what is edited later holds",
                )
        seen[edit.spec] = edit
    return edits


def parse_edit(written: str) -> Edit:
    """Return an edit from how people write it.

    Raises:
        UsageError: it is not written as one; names the nearest spec.
    """
    spec, how = _apart(written.strip())
    if spec.startswith("token:"):
        text = _unquoted(spec.removeprefix("token:"))
        if not text:
            raise UsageError("token: names no token", "write token:pizza, or token.4 for a place from 0")
        return _token(Edit(kind="token", text=text), how)
    form = re.sub(r"\d+", "N", spec)
    digits = re.findall(r"\d+", spec)
    kind = _FORMS.get(form)
    if kind is None or any(len(number) > _MOST_DIGITS for number in digits):
        raise _no_such_spec(spec, form, digits)
    numbers = [int(number) for number in digits]
    if kind == "token":
        return _token(Edit(kind=kind, number=numbers[0]), how)
    edit = Edit(kind=kind, layer=numbers[0], number=numbers[1] if len(numbers) > 1 else None)
    return _with_how(edit, how)


def check_edits(edits: Sequence[Edit], sizes: Mapping[str, int]) -> None:
    """Refuse edits of what a model does not have; ``sizes`` are its layers, heads and intermediate neurons, by the
    names that a trace gives them. One that is not given is not checked.

    Raises:
        UsageError: there is no such layer, head or neuron; says which there are.
    """
    for edit in edits:
        _check_number(edit.layer, "layer", "this model", sizes.get("layers"))
        if edit.kind == "head":
            _check_number(edit.number, "head", "a layer of this model", sizes.get("heads"))
        if edit.kind == "neuron":
            _check_number(edit.number, "neuron", "a layer of this model", sizes.get("intermediate"))


def _check_number(number: int | None, what: str, of: str, count: int | None) -> None:
    if number is None or count is None or number < count:
        return
    there = f"{what}s 0 to {count - 1}" if count > 1 else f"only {what} 0" if count else f"no {what}s"
    raise UsageError(f"there is no {what} {number}: {of} has {there}", f"{what}s are counted from 0")


def _apart(written: str) -> tuple[str, str | None]:
    """Return the spec and the how. A token's text may have an ``=`` in it."""
    if written.startswith("token:"):
        spec, equals, how = written.rpartition("=")
        if equals and _HOW_OF_TOKEN.fullmatch(how):
            return spec, how
        return written, None
    spec, equals, how = written.partition("=")
    return spec.strip(), how.strip() if equals else None


def _token(edit: Edit, how: str | None) -> Edit:
    if how in (None, "zero", "mask"):
        return edit
    if how == "drop":
        return replace(edit, how="drop")
    raise UsageError(
        f"{edit.spec}={how} cannot be done: a token is replaced by [MASK] or left out",
        f"write {edit.spec}, or {edit.spec}=drop",
    )


def _with_how(edit: Edit, how: str | None) -> Edit:
    if how in (None, "zero"):
        return edit
    if how == "mean":
        return replace(edit, how="mean")
    if how.startswith("mean:"):
        file = _unquoted(how.removeprefix("mean:"))
        if not file:
            raise UsageError(f"{edit.spec}=mean: names no profile", f"write {edit.spec}=mean:profile.json")
        return replace(edit, how="mean", file=file)
    if how.startswith("resample:"):
        sentence = _unquoted(how.removeprefix("resample:"))
        if not sentence.strip():
            raise UsageError(
                f"{edit.spec}=resample: names no sentence", f'write {edit.spec}=resample:"another sentence"'
            )
        return replace(edit, how="resample", sentence=sentence)
    if how == "drop":
        raise UsageError(f"{edit.spec}=drop cannot be done: only a token is left out", f"write {edit.spec}")
    try:
        factor = float(how)
    except ValueError:
        factor = math.nan
    if not math.isfinite(factor):
        near = get_close_matches(how, ["zero", "mean", "resample:TEXT"], n=1)
        hint = f"did you mean {edit.spec}={near[0]}?" if near else f"write {edit.spec}=HOW; HOW is {_HOWS}"
        raise UsageError(f"{how!r} does not say how to edit {edit.spec}", hint)
    return edit if factor == 0 else replace(edit, how="scale", factor=factor)


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _no_such_spec(spec: str, form: str, numbers: Sequence[str]) -> UsageError:
    told = f"{spec!r} names nothing that can be edited"
    if spec.startswith("token."):
        return UsageError(told, f"did you mean token:{spec.removeprefix('token.')}?")
    if "-N" in form:
        return UsageError(told, "layers, heads and neurons are counted from 0")
    forms = [each for each in _FORMS if each.count("N") == len(numbers) and each.count(".") >= form.count(".")]
    known = next((name for name in _OTHER_NAMES if form == name or form.endswith(f".{name}")), None)
    near = [_OTHER_NAMES[known]] if known else [each for each in _FORMS if form.endswith(f".{each}")][-1:]
    start = _IN_LAYER if form.startswith(_IN_LAYER) else ""
    ends = [each.removeprefix(start) for each in forms if each.startswith(start)]
    near = near or [start + end for end in get_close_matches(form.removeprefix(start), ends, n=1, cutoff=0.6)]
    if not near or any(len(number) > _MOST_DIGITS for number in numbers):
        return UsageError(told, f"write {_EXAMPLES}")
    meant = near[0]
    for number in numbers:
        meant = meant.replace("N", number, 1)
    return UsageError(told, f"did you mean {meant}?")
