"""Two runs in, where they first part out."""

import math
from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..traces.record import Step, Trace
from ..traces.values import strict
from .align import align_rows, align_steps
from .answers import answers
from .difference import FORMAT, VERSION, Diff, Position, Status, StepDiff, Unmatched
from .gap import Tolerance
from .pairs import Pair, Pairs
from .places import Places
from .rounding import Rounding
from .settings import differing
from .side import Side
from .words import place_in_words, verdict, verdict_on_texts

if TYPE_CHECKING:
    from .arrays import Array
    from .tensors import TensorFile


def diff(
    a: Trace,
    b: Trace,
    *,
    names: tuple[str, str] = ("A", "B"),
    tensors: "tuple[TensorFile | None, TensorFile | None]" = (None, None),
    atol: float | None = None,
    rtol: float | None = None,
) -> Diff:
    """Compare two traces step by step, on the sentences and real tokens that they have in common.

    A step differs where an entry's difference exceeds its rounding tolerance (`bert_inspect.diff.noise`) or, where one
    of them is given, ``atol + rtol * magnitude``. Between traces that have no sentence in common it differs where it is
    not equal. ``names`` are what the two are called, ``tensors`` the files that
    ``--tensors`` wrote beside them.

    Raises:
        UsageError: a tolerance is no number that could be one.
        TraceFileError: a file of tensors is damaged, or belongs to another trace.
    """
    return Comparison(Side(a, tensors[0]), Side(b, tensors[1]), atol=atol, rtol=rtol).diff(names=names)


class Comparison:
    """Two runs, every aligned pair of their steps compared and judged, for whoever asks more of them than `diff`.

    Raises:
        UsageError: a tolerance is no number that could be one.
        TraceFileError: a file of tensors is damaged, or belongs to another trace.
    """

    def __init__(self, a: Side, b: Side, *, atol: float | None = None, rtol: float | None = None) -> None:
        self.a, self.b = a, b
        self.rows = align_rows(a.trace.input, b.trace.input)
        self.places = Places.of_models(a.trace.model, b.trace.model)
        self.partner = align_steps(a.steps, b.steps, self.places)
        for name, number in (("atol", atol), ("rtol", rtol)):
            if number is not None and not 0 <= number < math.inf:
                raise UsageError(f"{name} is {number}: it must be a finite number, and not below 0")
        given = atol is not None or rtol is not None
        self.tolerance = Tolerance(atol or 0.0, rtol or 0.0) if given else None
        # Of other sentences nothing is expected to be equal: how far apart they are is told as it is.
        self._judges = given or not self.rows.other_texts
        rounding = Rounding(a, b, self.partner) if self._judges and not given else None
        self._pairs = Pairs(a, b, self.rows, self.tolerance, rounding)
        self._pairs.compare(self.partner)
        self.steps = [self._judged(pair) for pair in self._pairs.found]

    def diff(self, *, names: tuple[str, str]) -> Diff:
        """Return all that was found; ``names`` are what the two runs are called."""
        different = [step for step in self.steps if step.status == "different"]
        first = different[0] if different else None
        one, other = self.a.trace, self.b.trace
        # Where an edit removed a layer of B, what A's next one received has no partner there.
        alone = set[int]() if one.model.edits == other.model.edits else {step.id for step in self.a.steps}
        tainted = _tainted(self.a.steps, {step.a for step in different} | (alone - self.partner.keys()))
        missing = _missing(one, other, self.places), _missing(other, one, self.places)
        failed = (self.a.trace.failure is None) != (self.b.trace.failure is None)
        answered = answers(self.a.trace, self.b.trace, self.rows.pairs)
        # Where a run holds no logits (those of a vocabulary) the answers alone may tell the two apart.
        changed = self.rows.other_texts and any(each.a.label != each.b.label for each in answered)
        if self.rows.other_texts and (first is not None or changed):
            said = verdict_on_texts(answered, missing, failed=failed)
        else:
            said = verdict(self.steps, first, missing, given=self.tolerance is not None, failed=failed)
        return Diff(
            format=FORMAT,
            version=VERSION,
            same=first is None and not any(missing) and not failed and not changed,
            verdict=said,
            a=names[0],
            b=names[1],
            settings=differing(self.a.trace, self.b.trace),
            notes=self.rows.notes,
            other_texts=self.rows.other_texts,
            answers=answered,
            tolerance=None if self.tolerance is None else {"atol": self.tolerance.base, "rtol": self.tolerance.slope},
            first=first,
            also=[step for step in different[1:] if self._judges and not _flows_from(self.a.steps, step.a, tainted)],
            cause=None,
            steps=self.steps,
            only_a=_unmatched(self.a.steps, self.partner),
            only_b=_unmatched(self.b.steps, set(self.partner.values())),
        )

    def what_if(self, id_: int, array: "Array") -> tuple[float, bool]:
        """Return how far B's output of a step would be from A's if A's were ``array``, and whether that is noise."""
        pair = next(pair for pair in self._pairs.found if pair.a.id == id_)
        gap = self._pairs.what_if(pair, array)
        return gap.max_abs, gap.excess <= 1

    def is_output(self, id_: int, array: "Array") -> bool:
        """Whether ``array`` is what A has as output of a step, but for noise."""
        pair = next(pair for pair in self._pairs.found if pair.a.id == id_)
        return self._pairs.itself(pair, array).excess <= 1

    def _judged(self, pair: Pair) -> StepDiff:
        gap = pair.gap
        times = None if gap is None or not self._judges else gap.excess
        status: Status = "unknown"
        if pair.differs or (self._judges and pair.exceeds):
            status = "different"
        elif gap is not None and not self._judges:
            status = "identical" if pair.identical else "different"
        elif gap is not None:
            status = "identical" if pair.identical else "noise"
        place = gap.place if gap is not None and status in ("different", "noise") else None
        axes = None if pair.output is None else pair.output.axes
        run = self.a.trace
        words = "" if place is None else place_in_words(place, axes, run.input, heads=run.model.sizes.heads)
        return StepDiff(
            a=pair.a.id,
            b=pair.b.id,
            path=pair.a.path,
            call=pair.a.call,
            kind=pair.a.kind,
            layer=pair.a.layer,
            part=pair.a.part,
            label=pair.a.label,
            label_b=pair.b.label,
            shape_a=None if pair.output is None else pair.output.shape,
            shape_b=None if pair.output_b is None else pair.output_b.shape,
            status=status,
            by=pair.by,
            note=pair.note,
            max_abs=None if gap is None else strict(gap.max_abs),
            max_rel=None if gap is None else strict(gap.max_rel),
            cosine=None if gap is None or gap.cosine is None else strict(gap.cosine),
            floor=None if gap is None or not self._judges else strict(gap.allowed),
            times=None if times is None else strict(times),
            at=None if place is None else Position(index=list(place), words=words),
            source=pair.a.source,
            source_b=pair.b.source,
        )


def _tainted(steps: Sequence[Step], different: set[int]) -> set[int]:
    """Return the steps of A that differ, and those that something flowed into from one that does."""
    found: set[int] = set()
    for step in steps:
        if step.id in different or any(tensor.from_ in found for tensor in step.inputs):
            found.add(step.id)
    return found


def _flows_from(steps: Sequence[Step], id_: int, tainted: set[int]) -> bool:
    """Whether a difference of this step may come from another: one that flowed into it, or one inside it."""
    inside = any(other.parent == id_ and other.id in tainted for other in steps[id_ + 1 :])
    return inside or any(tensor.from_ in tainted for tensor in steps[id_].inputs)


def _missing(trace: Trace, other: Trace, places: Places) -> list[Step]:
    """Return the outermost modules with parameters that ran in this trace and are not in the other at all."""
    if trace.selection != other.selection:
        return []
    there = {places.of_module(step) for step in other.steps if step.kind == "module"}
    modules = [step for step in trace.steps if step.kind == "module" and step.total_parameters]
    gone = {step.id for step in modules if places.of_module(step) not in there}
    return [trace.steps[id_] for id_ in sorted(gone) if trace.steps[id_].parent not in gone]


def _unmatched(steps: Sequence[Step], aligned: Collection[int]) -> list[Unmatched]:
    """Return the steps that have no partner."""
    return [
        Unmatched(
            id=step.id,
            path=step.path,
            call=step.call,
            kind=step.kind,
            layer=step.layer,
            part=step.part,
            label=step.label,
        )
        for step in steps
        if step.id not in aligned
    ]
