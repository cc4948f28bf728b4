"""Each step of A held against its partner in B, before anything is judged."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ..traces.record import Step, TensorOut
from ..traces.tree import completion
from ..traces.values import masked_below
from ..traces.vocabulary.axes import TOKEN_AXES
from .align import CannotAlign, Rows, align_axes
from .difference import By
from .gap import Gap, Tolerance, gap_of_statistics
from .masks import is_mask, mask_gap, mask_gap_to
from .noise import is_exact, is_unrecorded, maker, relative_floor
from .rounding import Rounding
from .side import Side, is_float

if TYPE_CHECKING:
    from .arrays import Array
    from .by_values import Errors


_EXACT = Tolerance(0.0, 0.0)


@dataclass(kw_only=True)
class Pair:
    """A step beside its partner: the worst of its outputs.

    ``gap`` is in multiples of what is allowed; it is None where there was nothing but shapes to compare. ``differs``
    says that those do. ``errors`` are what rounding may have done to either side's entries, where that is known and the
    pair is the first that is further apart.
    """

    a: Step
    b: Step
    output: TensorOut | None = None
    output_b: TensorOut | None = None
    by: By = "shapes"
    gap: Gap | None = None
    note: str = ""
    differs: bool = False
    allowed: Tolerance = _EXACT
    errors: "Errors | None" = None

    @property
    def exceeds(self) -> bool:
        """Whether the two are further apart than is allowed."""
        return self.differs or (self.gap is not None and self.gap.excess > 1)

    @property
    def identical(self) -> bool:
        """Whether all that could be compared of the two is equal to the bit."""
        return self.gap is not None and not self.gap.excess and not self.gap.max_abs

    @property
    def rank(self) -> tuple[bool, float]:
        """How bad it is, to be held against another output of the same step."""
        return self.differs, -1.0 if self.gap is None else self.gap.excess


@dataclass
class Pairs:
    """Compares the pairs of two runs, in the order in which A's steps end.

    What is allowed is ``tolerance`` where one was given; with ``rounding`` it is what rounding explains, else the size
    of the tensor, for there is nothing to judge by. ``identical_a`` are A's steps that agree to the bit, ``_bases`` of
    which size a step's floor is a part: that of its own tensor or of what flowed in, whichever is larger. ``_unasked``
    are pairs of equal statistics, of which nothing has to be allowed as long as nothing differs.
    """

    a: Side
    b: Side
    rows: Rows
    tolerance: Tolerance | None
    rounding: Rounding | None = None
    found: list[Pair] = field(default_factory=list)
    identical_a: set[int] = field(default_factory=set)
    _bases: dict[int, float] = field(default_factory=dict)
    _unasked: list[tuple[Pair, TensorOut, TensorOut]] = field(default_factory=list)
    _inside: dict[int, list[Step]] = field(default_factory=dict)

    def compare(self, partner: Mapping[int, int]) -> None:
        """Compare every aligned pair: by values where both have them, else by statistics, else by shape alone."""
        for step in self.a.steps:
            if step.parent is not None:
                self._inside.setdefault(step.parent, []).append(step)
        parted = False
        for step in completion(self.a.steps):
            if step.id in partner:
                other = self.b.steps[partner[step.id]]
                if self.rounding is not None and self.rounding.values:
                    self.rounding.reach(step, other)
                pair = self._pair(step, other)
                self.found.append(pair)
                if pair.identical:
                    self.identical_a.add(pair.a.id)
                if self.rounding is not None and pair.gap is not None:
                    self.rounding.compared(step, other, identical=pair.identical)
                if parted or not pair.exceeds:
                    pair.errors = None  # they are as large as the tensors, and asked for of the first alone
                parted = parted or pair.exceeds

    def what_if(self, pair: Pair, array: "Array") -> Gap:
        """Return the gap that a pair would have if A's output were ``array``; that may be shaped as B's is."""
        if is_mask(pair.a, pair.b):
            return mask_gap_to(array, (self.b, pair.b), pair.output, self.rows)
        assert pair.output is not None and pair.output_b is not None
        mine = next((out for out in (pair.output, pair.output_b) if out.shape == list(array.shape)), None)
        if mine is None:
            return Gap(math.inf, math.inf, math.inf, 0.0)
        try:
            order = align_axes(mine, pair.output_b, self.rows)
        except CannotAlign:
            return Gap(math.inf, math.inf, math.inf, 0.0)
        theirs = self.b.values(pair.b, pair.output_b)
        errors = pair.errors if mine is pair.output else None
        axes = mine.axes or pair.output_b.axes
        return _gap(pair, array, theirs, order=order, axes=axes, rows=self.rows, errors=errors)

    def itself(self, pair: Pair, array: "Array") -> Gap:
        """Return how far ``array`` is from A's own output."""
        rows = self.rows.of_one(first=True)
        if is_mask(pair.a, pair.b):
            return mask_gap_to(array, (self.a, pair.a), pair.output, rows)
        assert pair.output is not None and pair.output_b is not None
        mine = self.a.values(pair.a, pair.output)
        if array.shape != mine.shape:
            return Gap(math.inf, math.inf, math.inf, 0.0)
        errors = None if pair.errors is None else (pair.errors[0], pair.errors[0])
        return _gap(pair, array, mine, order=None, axes=pair.output.axes, rows=rows, errors=errors)

    def _pair(self, step: Step, other: Step) -> Pair:
        if is_mask(step, other):
            return self._masks(step, other)
        worst: Pair | None = None
        for output, other_output in _outputs(step, other):
            pair = Pair(a=step, b=other, output=output, output_b=other_output)
            try:
                order = align_axes(output, other_output, self.rows)
                self._measure(pair, output, other_output, order)
            except CannotAlign as error:
                pair.note, pair.differs = error.why, error.differ
            if worst is None or pair.rank > worst.rank:
                worst = pair
        return worst or Pair(a=step, b=other)

    def _measure(self, pair: Pair, output: TensorOut, other: TensorOut, order: list[int] | None) -> None:
        if self.a.has_values(pair.a, output) and self.b.has_values(pair.b, other):
            pair.allowed = self._allowed(pair, output, other)
            self._by_values(pair, output, other, order)
            return
        stats, others = self.a.stats(pair.a, output), self.b.stats(pair.b, other)
        equal = stats is not None and stats == others
        if equal:
            self._unasked.append((pair, output, other))
        else:
            pair.allowed = self._allowed(pair, output, other)
        if stats is None or others is None:
            return
        if not self._same_entries(output, other):
            pair.note = "its statistics cover different sentences or different padding"
            return
        pair.by = "statistics"
        masked = _masked(pair)
        if self.rounding is not None and pair.allowed.slope and not equal:
            relative = self.rounding.relative(pair.a, pair.b)
            pair.allowed = Tolerance(pair.allowed.base * relative, relative)
        averages = self._averages(pair.a, output)
        entries = _entries(output)
        pair.gap = gap_of_statistics(
            stats, others, allowed=pair.allowed, averages=averages, masked=masked, entries=entries
        )
        pair.note = pair.gap.note

    def _by_values(self, pair: Pair, output: TensorOut, other: TensorOut, order: list[int] | None) -> None:
        from .by_values import ArrayPair  # numpy takes as long to import as all the rest

        errors = None
        if self.rounding is not None and pair.allowed.slope:
            errors = self.rounding.errors((pair.a, output), (pair.b, other))
            # It is never below one rounding.
            relative = relative_floor(0.0, self.rounding.unit(pair.a))
            pair.allowed = Tolerance(pair.allowed.base * relative, relative)
        both = ArrayPair(
            a=self.a.values(pair.a, output),
            b=self.b.values(pair.b, other),
            order=order,
            axes=output.axes if output.axes is not None else other.axes,
            rows=self.rows,
            errors=errors,
        )
        pair.by, pair.errors = "values", errors
        pair.gap = both.gap(pair.allowed, masked=_masked(pair))
        pair.note = pair.gap.note
        if self.rounding is not None and errors is not None and not pair.exceeds:
            seen_a, seen_b = (0.0, 0.0) if pair.identical else both.differences(masked=_masked(pair))
            self.rounding.observed((pair.a, output, seen_a), (pair.b, other, seen_b))

    def _allowed(self, pair: Pair, output: TensorOut, other: TensorOut) -> Tolerance:
        """Return the tolerance that was given, else the size of which the rounding tolerance is a part: nothing for
        numbers that are exact.
        """
        if self._unasked:  # what is allowed here may follow from what was allowed there
            unasked, self._unasked = self._unasked, []
            for each in unasked:
                each[0].allowed = self._allowed(*each)
        if self.tolerance is not None:
            return self.tolerance
        if not is_float(output) or not is_float(other):
            return _EXACT
        step = pair.a
        if made := maker(step, self._inside.get(step.id, ())):
            came = self._bases.get(made.id, 0.0)
        elif is_exact(step):
            came = max([self._bases.get(t.from_, 0.0) for t in step.inputs if t.from_ is not None], default=0.0)
        else:
            came = max([0.0, *self.a.sizes_of_inputs(step), *self.b.sizes_of_inputs(pair.b)])
        base = max(came, self.a.size(step, output) or 0.0, self.b.size(pair.b, other) or 0.0)
        self._bases[step.id] = base
        return Tolerance(base, 1.0)

    def _averages(self, step: Step, output: TensorOut) -> float:
        """Return what is allowed of an average, as a part of what is allowed of an entry.

        Where what flowed into a matrix product is equal to the bit, its entries are rounded each for itself, and the
        error of an average of n of them is the square root of n smaller. Errors that came in are shared by many.
        """
        fresh = all(
            tensor.from_ in self.identical_a or (tensor.from_ is None and not is_unrecorded(tensor))
            for tensor in step.inputs
        )
        if self.tolerance is not None or not fresh or not step.flops:
            return 1.0
        return 1 / math.sqrt(max(1, _entries(output)))

    def _same_entries(self, a: TensorOut, b: TensorOut) -> bool:
        """Whether two tensors hold the same entries, in whatever order, so that their statistics can be compared."""
        if self.rows.same_padding:
            return True
        return self.rows.complete and a.axes is not None and b.axes is not None and not TOKEN_AXES & {*a.axes, *b.axes}

    def _masks(self, step: Step, other: Step) -> Pair:
        gap, note = mask_gap((self.a, step), (self.b, other), self.rows)
        output, other_output = (next(iter(each.outputs), None) for each in (step, other))
        masks = [(side, each) for side, each in ((self.a, step), (self.b, other)) if each.outputs]
        whole = all(side.has_values(each, each.outputs[0]) for side, each in masks)
        by: By = "shapes" if gap is None else "values" if whole else "statistics"
        return Pair(a=step, b=other, output=output, output_b=other_output, by=by, gap=gap, note=note)


def _gap(pair: Pair, a: "Array", b: "Array", **how: Any) -> Gap:
    from .by_values import ArrayPair

    return ArrayPair(a=a, b=b, **how).gap(pair.allowed, masked=_masked(pair))


def _entries(output: TensorOut) -> int:
    """Return how many numbers a tensor has; a trace that claims more than there can be is not believed."""
    return min(math.prod(output.shape), 10**15)


def _masked(pair: Pair) -> float | None:
    """Return below which number an entry of either tensor is masked, None where nothing is."""
    found = [
        masked_below(step.label, output.dtype)
        for step, output in ((pair.a, pair.output), (pair.b, pair.output_b))
        if output is not None
    ]
    return max((number for number in found if number is not None), default=None)


def _outputs(step: Step, other: Step) -> Iterator[tuple[TensorOut, TensorOut]]:
    """Yield which outputs of the two steps belong together: those of one name, or the only ones that there are."""
    if len(step.outputs) == len(other.outputs) == 1:
        yield step.outputs[0], other.outputs[0]
        return
    names = {output.name: output for output in other.outputs}
    for output in step.outputs:
        if output.name in names:
            yield output, names[output.name]
