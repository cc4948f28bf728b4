"""What may be asked of a patch: which activations, in which direction, by which number. Nothing here needs torch."""

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final, Literal, get_args

from ...errors import UsageError
from ...families.heads import MULTIPLE_CHOICE, Head
from ..explain.wanted import Wanted

PatchEach = Literal["layer-token", "head", "attention", "intermediate"]
Direction = Literal["denoising", "noising"]
PatchMetric = Literal["logit-diff", "probability"]
_ANSWER: Final = Wanted()


@dataclass(frozen=True, kw_only=True)
class PatchAsked:
    """What is asked of a patch.

    Attributes:
        each: what is put in, one after the other: the hidden state of each token before the first layer and after each
            (``layer-token``), the context of each ``head``, of all heads of a layer (``attention``), or what the
            neurons of a layer hand on (``intermediate``).
        direction: ``denoising``: from the clean run into the corrupt one; ``noising``: the other way round.
        metric: ``logit-diff`` or ``probability``.
        wanted: which number is watched; by default the logit of the clean answer against that of the corrupt one.
    """

    each: PatchEach = "layer-token"
    direction: Direction = "denoising"
    metric: PatchMetric = "logit-diff"
    wanted: Wanted = _ANSWER

    def check(self) -> None:
        """Refuse what is not known.

        Raises:
            UsageError: names what there is.
        """
        for name, given, known in (
            ("each", self.each, get_args(PatchEach)),
            ("direction", self.direction, get_args(Direction)),
            ("metric", self.metric, get_args(PatchMetric)),
        ):
            if given not in known:
                near = get_close_matches(given, known, n=1)
                hint = f'did you mean `{name}="{near[0]}"`?' if near else f"there are {', '.join(known)}"
                raise UsageError(f"{name} {given!r} is not known", hint)
        if self.metric == "probability" and self.wanted.against is not None:
            raise UsageError("a probability is held against no other class", "leave `against` out")


def check_patched(head: Head) -> None:
    """Refuse a model of which no two runs can be patched.

    Raises:
        UsageError: it chooses between texts.
    """
    if head is MULTIPLE_CHOICE:
        raise UsageError("a text with choices cannot be patched", "ablate it, or read the model with another `task`")
