"""What may be asked of an ablation: which units, how each is edited, in which layer. Nothing here needs torch."""

from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import Final

from ...errors import UsageError
from ...traces.edits import Edit, Kind, parse_edit
from ..explain.wanted import Wanted
from .record import Each

OF_MODEL: Final[tuple[Kind, ...]] = ("layer", "attention", "intermediate", "head", "neuron")
"""The parts of a model that can be edited one by one."""
OF_SENTENCE: Final = ("token", "word")
_HOWS: Final = ("zero", "mean", "resample:TEXT")
_ANSWER: Final = Wanted()


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What is asked of an ablation.

    Attributes:
        each: what is edited: every ``head``, ``layer``, ``attention`` (all heads of a layer), ``intermediate`` (all
            neurons of a layer), ``neuron`` of one layer, ``token`` or ``word``.
        how: what stands in its place, as an edit says it: ``zero``, ``mean``, ``resample:TEXT``, or a number.
        layer: look at this layer only.
        wanted: which number is watched; by default the logit of the answer against the largest of the others.
        importance: of heads, their importance by the gradient too.
    """

    each: Each = "head"
    how: str = "zero"
    layer: int | None = None
    wanted: Wanted = _ANSWER
    importance: bool = False

    def check(self) -> None:
        """Refuse what no model could change.

        Raises:
            UsageError: there is no such unit, or it cannot be edited so; a layer must be named, or must not.
        """
        if self.each not in (*OF_MODEL, *OF_SENTENCE):
            near = get_close_matches(self.each, (*OF_MODEL, *OF_SENTENCE), n=1)
            hint = f'did you mean `each="{near[0]}"`?' if near else f"there are {', '.join((*OF_MODEL, *OF_SENTENCE))}"
            raise UsageError(f"{self.each!r} is nothing that can be taken away in turn", hint)
        if self.each == "neuron" and self.layer is None:
            raise UsageError("a layer has thousands of neurons: name one layer", "add `layer=0`")
        if self.layer is not None and self.each in OF_SENTENCE:
            raise UsageError(f"a {self.each} lies in no layer", "leave `layer` out")
        if self.importance and self.each != "head":
            raise UsageError(
                "importance by the gradient is that of heads", 'leave `importance` out, or add `each="head"`'
            )
        self.edit()

    def layers(self) -> tuple[Edit, ...]:
        """Return the layer that is looked at as an edit of it, nothing where all are: a model may be asked whether it
        has it before it is loaded.
        """
        return () if self.layer is None else (Edit(kind="layer", layer=self.layer),)

    def edit(self) -> Edit:
        """Return an edit that says how each unit is edited.

        Raises:
            UsageError: ``how`` does not say that, or not of such a unit.
        """
        written = self.how.strip()
        if self.each in OF_SENTENCE:
            if written != "zero":
                told = f"a {self.each} has nothing else put in its place: it is replaced by [MASK]"
                raise UsageError(told, "leave `how` out")
            return Edit(kind="token")
        kind = next(kind for kind in OF_MODEL if kind == self.each)
        try:
            return replace(parse_edit(f"layer.0={written}"), kind=kind)
        except UsageError as error:
            near = get_close_matches(written, _HOWS, n=1)
            hint = (
                f'did you mean `how="{near[0]}"`?'
                if near
                else "write zero, mean, mean:PROFILE, resample:TEXT or a number that scales"
            )
            raise UsageError(f"{self.how!r} does not say how to ablate", hint) from error
