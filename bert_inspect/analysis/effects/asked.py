"""What may be asked of an ablation: which units, how each is edited, in which layer. Nothing here needs torch."""

from dataclasses import replace
from difflib import get_close_matches
from typing import Final

from ...errors import UsageError
from ...traces.edits import Edit, Kind, parse_edit
from .record import Each

OF_MODEL: Final[tuple[Kind, ...]] = ("layer", "attention", "intermediate", "head", "neuron")
"""The parts of a model that can be edited one by one."""
OF_SENTENCE: Final = ("token", "word")


def check_each(each: str) -> None:
    """Refuse what is no kind of unit.

    Raises:
        UsageError: names those that there are.
    """
    if each in (*OF_MODEL, *OF_SENTENCE):
        return
    near = get_close_matches(each, (*OF_MODEL, *OF_SENTENCE), n=1)
    hint = f'did you mean `each="{near[0]}"`?' if near else f"there are {', '.join((*OF_MODEL, *OF_SENTENCE))}"
    raise UsageError(f"{each!r} is nothing that can be taken away in turn", hint)


def parse_how(how: str, each: Each) -> Edit:
    """Return an edit that says how each unit is edited.

    Raises:
        UsageError: it does not say that, or not of such a unit.
    """
    written = how.strip()
    if each in OF_SENTENCE:
        if written != "zero":
            raise UsageError(f"a {each} has nothing else put in its place: it is replaced by [MASK]", "leave `how` out")
        return Edit(kind="token")
    kind = next(kind for kind in OF_MODEL if kind == each)
    try:
        return replace(parse_edit(f"layer.0={written}"), kind=kind)
    except UsageError as error:
        raise UsageError(
            f"{how!r} does not say how to ablate", "write zero, mean, resample:TEXT or a number that scales"
        ) from error


def check_layer(each: Each, layer: int | None) -> None:
    """Refuse to look at all neurons of all layers, and at one layer of what lies in none.

    Raises:
        UsageError: a layer must be named, or must not.
    """
    if each == "neuron" and layer is None:
        raise UsageError("a layer has thousands of neurons: name one layer", "add `layer=0`")
    if layer is not None and each in OF_SENTENCE:
        raise UsageError(f"a {each} lies in no layer", "leave `layer` out")
