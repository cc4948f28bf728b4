"""Steps that take one number or another, and comparisons: masks, truth values, the place of the largest."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..arithmetic import Arithmetic, Column, Group, Quantity, Reference, Terms, Untold, axis_name, constant, entry
from ..operand import Call, Index, Operand
from .sums import number_of


def masked_fill(call: Call, index: Index) -> Arithmetic:
    """A fixed number where the mask is true, else what was there."""
    operand, mask = call.operands[:2]
    value = call.argument(2, "value")
    hidden = bool(mask.at(mask.fitting(index)))
    return _either(operand if not hidden else value, index, (mask, mask.fitting(index)), hidden=hidden)


def where(call: Call, index: Index) -> Arithmetic:
    """One number where the condition is true, else the other."""
    condition = call.argument(0, "condition")
    if not isinstance(condition, Operand):
        raise Untold("the condition of this step is not known", "name another step")
    holds = bool(condition.at(condition.fitting(index)))
    taken = call.argument(1, "input") if holds else call.argument(2, "other")
    return _either(taken, index, (condition, condition.fitting(index)), hidden=holds)


def _either(taken: Any, index: Index, decided: tuple[Operand, Index], *, hidden: bool) -> Arithmetic:
    mask, at = decided
    condition = Reference(operand=mask, index=at)
    says = "true" if hidden else "false"
    if isinstance(taken, Operand):
        place = taken.fitting(index)
        return Arithmetic(
            words=f"{{0}}, as {{1}} is {says}",
            symbols="y = a where the mask is true, else b",
            result=taken.at(place),
            references=[Reference(operand=taken, index=place), condition],
            moved=(taken, place),
            counts=True,
        )
    number = number_of(taken)
    return Arithmetic(
        words=f"{number:g}, as {{0}} is {says}",
        symbols="y = a where the mask is true, else b",
        result=number,
        size=abs(number),
        groups=Terms().add("number", number, constant(number)).groups,
        references=[condition],
    )


_COMPARISONS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "ne": ("is not", lambda a, b: a != b),
    "eq": ("is", lambda a, b: a == b),
    "lt": ("is less than", lambda a, b: a < b),
    "le": ("is at most", lambda a, b: a <= b),
    "gt": ("is more than", lambda a, b: a > b),
    "ge": ("is at least", lambda a, b: a >= b),
    "and": ("and", lambda a, b: bool(a) and bool(b)),
    "or": ("or", lambda a, b: bool(a) or bool(b)),
    "xor": ("or, but not both,", lambda a, b: bool(a) != bool(b)),
}
COMPARISONS = frozenset(_COMPARISONS)


def compared(call: Call, index: Index) -> Arithmetic:
    """Whether one number stands to another as the step asks."""
    words, holds = _COMPARISONS[call.type]
    terms, references, shown, numbers = Terms(), list[Reference](), list[str](), list[float]()
    for part in (call.argument(0, "input"), call.argument(1, "other")):
        if isinstance(part, Operand):
            place = part.fitting(index)
            references.append(Reference(operand=part, index=place))
            shown.append(f"{{{len(references) - 1}}}")
            numbers.append(part.at(place))
            terms.add(part.name, numbers[-1], entry(part, place))
        else:
            numbers.append(number_of(part))
            shown.append(f"{numbers[-1]:g}")
            terms.add("number", numbers[-1], constant(numbers[-1]))
    return Arithmetic(
        words=f"whether {shown[0]} {words} {shown[1]}",
        symbols=f"y = 1 where a {words} b, else 0",
        result=float(holds(*numbers)),
        groups=terms.groups,
        references=references,
        counts=True,
    )


def inverted(call: Call, index: Index) -> Arithmetic:
    """True where it was false."""
    return _truth(call, index, "not {0}", "y = not x", lambda number: not number)


def truth(call: Call, index: Index) -> Arithmetic:
    """Whether a number is not 0."""
    return _truth(call, index, "whether {0} is not 0", "y = 1 where x is not 0", bool)


def _truth(call: Call, index: Index, words: str, symbols: str, work: Callable[[float], bool]) -> Arithmetic:
    operand = call.operands[0]
    if operand.dtype != "bool" and not call.counts:
        raise Untold("the arithmetic of this step is not known", "name another step")
    place = operand.fitting(index)
    result = float(work(operand.at(place)))
    if call.type in ("invert", "bitwise_not") and operand.dtype != "bool":
        result = -operand.at(place) - 1
    return Arithmetic(
        words=words,
        symbols=symbols,
        result=result,
        groups=Terms().add("number", operand.at(place), entry(operand, place)).groups,
        references=[Reference(operand=operand, index=place)],
        counts=True,
    )


def largest_place(call: Call, index: Index) -> Arithmetic:
    """``argmax``: the place of the first largest number along an axis."""
    operand = call.operands[0]
    given = call.argument(1, "dim")
    if not isinstance(given, int):
        raise Untold("along which axis this step looks is not known", "name another step")
    axis = given % len(operand.shape)
    keeps = len(index) == len(operand.shape)
    before, after = index[:axis], index[axis + keeps :]
    numbers = operand.read((*before, slice(None), *after))
    found = int(numbers.argmax())
    column = Column(values=numbers, operand=operand, index=lambda number: (*before, number, *after))
    return Arithmetic(
        words=f"place of the largest of {{0}} over {len(numbers)}",
        symbols="y = argmax_i x_i",
        result=float(found),
        groups=[Group(values=numbers, columns=(column,), axis=axis_name(operand, axis))],
        references=[Reference(operand=operand, index=(*before, None, *after))],
        quantities=[Quantity(name="largest", value=float(numbers[found]))],
        counts=True,
    )


def places_of_truth(call: Call, index: Index) -> Arithmetic:
    """``nonzero``: where the numbers stand that are not 0."""
    operand = call.operands[0]
    number, axis = index
    whole = operand.read([slice(None)] * len(operand.shape))
    flat = int(np.flatnonzero(whole)[number])
    place = tuple(int(at) for at in np.unravel_index(flat, operand.shape))
    return Arithmetic(
        words=f"where number {number + 1} of those stands that are not 0, {{0}}",
        symbols="y = i where x_i is not 0",
        result=float(place[axis]),
        groups=Terms().add("number", operand.at(place), entry(operand, place)).groups,
        references=[Reference(operand=operand, index=place)],
        counts=True,
    )


def smaller(call: Call, index: Index) -> Arithmetic:
    """The smaller, or the larger, of two numbers."""
    takes = max if call.type.startswith("max") else min
    found: list[tuple[float, Operand | None, Index]] = []
    for part in (call.argument(0, "input"), call.argument(1, "other")):
        if isinstance(part, Operand):
            place = part.fitting(index)
            found.append((part.at(place), part, place))
        elif part is not None:
            found.append((number_of(part), None, ()))
    if len(found) != 2:
        raise Untold("the arithmetic of this step is not known", "name another step")
    numbers = [number for number, _, _ in found]
    result = math.nan if any(map(math.isnan, numbers)) else takes(numbers)
    terms, references, shown = Terms(), list[Reference](), list[str]()
    for number, operand, place in found:
        if operand is None:
            terms.add("number", number, constant(number))
            shown.append(f"{number:g}")
        else:
            terms.add(operand.name, number, entry(operand, place))
            references.append(Reference(operand=operand, index=place))
            shown.append(f"{{{len(references) - 1}}}")
    return Arithmetic(
        words=f"the {'larger' if takes is max else 'smaller'} of {shown[0]} and {shown[1]}",
        symbols=f"y = {'max' if takes is max else 'min'}(a, b)",
        result=float(result),
        groups=terms.groups,
        references=references,
        counts=True,
    )
