"""What works entry by entry: products and quotients, activations, and the other functions of one number."""

import math
from collections.abc import Callable
from typing import Any

from ..arithmetic import Arithmetic, Column, Reference, Terms, Untold, constant, entry
from ..operand import Call, Index, Operand
from .sums import number_of


def scaled(call: Call, index: Index) -> Arithmetic:
    """``a x b``."""
    first, second = (_factor(call.argument(at, name), index) for at, name in enumerate(("input", "other")))
    return _product(first, second, "x", "y = a b", _value(first[0]) * _value(second[0]), counts=call.counts)


def divided(call: Call, index: Index) -> Arithmetic:
    """``a / b``, or ``b / a`` where the first is the divisor; rounded to a whole number where that is asked for."""
    first, second = (_factor(call.argument(at, name), index) for at, name in enumerate(("input", "other")))
    if call.type.startswith("r"):
        first, second = second, first
    result = _divide(_value(first[0]), _value(second[0]))
    mode = call.options.get("rounding_mode")
    if mode is not None:
        result = float(math.floor(result) if mode == "floor" else math.trunc(result))
    return _product(first, second, "/", "y = a / b", result, counts=call.counts)


Factored = tuple[Column, str, Reference | None]


def _value(column: Column) -> float:
    return float(column.values[0])


def _factor(part: Any, index: Index) -> Factored:
    if isinstance(part, Operand):
        place = part.fitting(index)
        return entry(part, place), "", Reference(operand=part, index=place)
    number = number_of(part)
    return constant(number), f"{number:.6g}", None


def _product(first: Factored, second: Factored, sign: str, symbols: str, result: float, *, counts: bool) -> Arithmetic:
    references = [part[2] for part in (first, second) if part[2] is not None]
    words, seen = [], 0
    for _, text, reference in (first, second):
        words.append(text if reference is None else f"{{{seen}}}")
        seen += reference is not None
    name = "product" if sign == "x" else "quotient"
    terms = Terms().add(name, result, first[0], second[0])
    return Arithmetic(
        words=f" {sign} ".join(words),
        symbols=symbols,
        result=result,
        size=abs(result),
        groups=terms.groups,
        references=references,
        counts=counts,
    )


def _divide(one: float, other: float) -> float:
    if other == 0:
        return math.nan if one == 0 or math.isnan(one) else math.copysign(math.inf, one) * math.copysign(1.0, other)
    return one / other


def power(call: Call, index: Index) -> Arithmetic:
    """``a ** b``."""
    first, second = (_factor(call.argument(at, name), index) for at, name in enumerate(("input", "exponent")))
    base, exponent = _value(first[0]), _value(second[0])
    try:
        result = float(base**exponent)
    except (OverflowError, ZeroDivisionError, TypeError):
        result = math.inf
    found = _product(first, second, "to the power of", "y = a^b", result, counts=call.counts)
    return Arithmetic(
        words=found.words,
        symbols=found.symbols,
        result=result,
        size=abs(result) * (2 + abs(exponent)),
        groups=found.groups,
        references=found.references,
        counts=call.counts,
        stored=abs(result) * abs(exponent),  # a whole exponent is multiplied out
    )


# Functions of one number: the function, its formula in symbols, and by how much an error of rounding is multiplied.

Function = tuple[Callable[[float], float], str, Callable[[float], float]]


def normal_share(number: float) -> float:
    """Return the share of a normal distribution that lies below a number."""
    return 0.5 * math.erfc(-number / math.sqrt(2.0))


def _sigmoid(number: float) -> float:
    if number >= 0:
        return 1.0 / (1.0 + math.exp(-number))
    raised = math.exp(number)
    return raised / (1.0 + raised)


def _guarded(work: Callable[[float], float], outside: float = math.nan) -> Callable[[float], float]:
    def run(number: float) -> float:
        try:
            return work(number)
        except (ValueError, OverflowError):
            return outside

    return run


def _log(number: float) -> float:
    return -math.inf if number == 0 else math.log(number)


def _same(work: Callable[[float], float]) -> Callable[[float], float]:
    return lambda number: 4 * abs(work(number))


_FUNCTIONS: dict[str, Function] = {
    "relu": (lambda x: x if x > 0 or math.isnan(x) else 0.0, "y = max(x, 0)", abs),
    "silu": (lambda x: x * _sigmoid(x), "y = x / (1 + e^-x)", lambda x: 4 * abs(x)),
    "tanh": (math.tanh, "y = (e^x - e^-x) / (e^x + e^-x)", lambda x: 4 * abs(math.tanh(x))),
    "sigmoid": (_sigmoid, "y = 1 / (1 + e^-x)", lambda x: (4 + abs(x)) * _sigmoid(x)),
    "cos": (_guarded(math.cos), "y = cos x", lambda x: 4.0),
    "sin": (_guarded(math.sin), "y = sin x", lambda x: 4.0),
    "exp": (_guarded(math.exp, math.inf), "y = e^x", lambda x: (4 + abs(x)) * _guarded(math.exp, math.inf)(x)),
    "log": (_guarded(_log), "y = ln x", lambda x: 4 * (abs(_guarded(_log)(x)) if x > 0 else 0.0)),
    "sqrt": (_guarded(math.sqrt), "y = root of x", _same(_guarded(math.sqrt))),
    "rsqrt": (_guarded(lambda x: _divide(1.0, math.sqrt(x))), "y = 1 / root of x", lambda x: 4 * abs(x) ** -0.5),
    "reciprocal": (lambda x: _divide(1.0, x), "y = 1 / x", lambda x: 4 * abs(_divide(1.0, x))),
    "square": (lambda x: x * x, "y = x^2", lambda x: 2 * x * x),
    "erf": (math.erf, "y = erf x", lambda x: 4 * abs(math.erf(x))),
    "abs": (abs, "y = |x|", lambda x: 0.0),
    "neg": (lambda x: -x, "y = -x", lambda x: 0.0),
    "sign": (lambda x: x if math.isnan(x) else float((x > 0) - (x < 0)), "y = the sign of x", lambda x: 0.0),
    "ceil": (_guarded(lambda x: float(math.ceil(x)) if math.isfinite(x) else x), "y = x rounded up", lambda x: 0.0),
    "floor": (_guarded(lambda x: float(math.floor(x)) if math.isfinite(x) else x), "y = x rounded down", lambda x: 0.0),
}
_OTHER_NAMES = {"negative": "neg", "Tanh": "tanh", "ReLU": "relu", "SiLU": "silu", "Sigmoid": "sigmoid"}


def function(call: Call, index: Index) -> Arithmetic:
    """A function of one number."""
    name = _OTHER_NAMES.get(call.type, call.type)
    work, symbols, size = _FUNCTIONS[name]
    return _applied(call, index, name=name, symbols=symbols, work=work, size=size)


FUNCTIONS = frozenset((*_FUNCTIONS, *_OTHER_NAMES))


def _applied(
    call: Call,
    index: Index,
    *,
    name: str,
    symbols: str,
    work: Callable[[float], float],
    size: Callable[[float], float],
) -> Arithmetic:
    operand = call.operands[0]
    place = operand.fitting(index)
    number = operand.at(place)
    result = work(number)
    terms = Terms().add(f"{name} of", result, entry(operand, place))
    return Arithmetic(
        words=f"{name} of {{0}}",
        symbols=symbols,
        result=result,
        size=size(number) if math.isfinite(number) else 0.0,
        groups=terms.groups,
        references=[Reference(operand=operand, index=place)],
        counts=call.counts,
    )


def gelu(call: Call, index: Index) -> Arithmetic:
    """``x`` times the share of a normal distribution that lies below it (Hendrycks and Gimpel, 2016), or its
    approximation by a tanh.
    """
    operand = call.operands[0]
    place = operand.fitting(index)
    number = operand.at(place)
    by_tanh = "tanh" in (call.options.get("approximate"), call.argument(1, "approximate"))
    by_tanh |= "tanh" in str(call.options.get("built with", ""))
    if not by_tanh:
        share, symbols = normal_share(number), "y = x Phi(x), Phi(x) = (1 + erf(x / root of 2)) / 2"
    else:
        inner = math.sqrt(2 / math.pi) * (number + 0.044715 * number**3)
        share, symbols = 0.5 * (1 + math.tanh(inner)), "y = x (1 + tanh(root of (2/pi) (x + 0.044715 x^3))) / 2"
    result = number * share if math.isfinite(number) else (number if number > 0 else 0.0 * number)
    name = "normal share below it" if not by_tanh else "share"
    terms = Terms().add("product", result, entry(operand, place), constant(share, name))
    return Arithmetic(
        words=f"{{0}} x the {name}",
        symbols=symbols,
        result=result,
        size=abs(number) * 4 if math.isfinite(number) else 0.0,
        groups=terms.groups,
        references=[Reference(operand=operand, index=place)],
    )


def clamped(call: Call, index: Index) -> Arithmetic:
    """``clamp``: no less than one number, no more than another."""
    operand = call.operands[0]
    place = operand.fitting(index)
    low, high = call.argument(1, "min"), call.argument(2, "max")
    if isinstance(low, Operand) or isinstance(high, Operand):
        raise Untold("the ends of this clamp are tensors", "name another step")
    number = operand.at(place)
    result = number
    if low is not None and not result >= low:
        result = float(low)
    if high is not None and not result <= high:
        result = float(high)
    result = number if math.isnan(number) else result
    terms = Terms().add("number", result, entry(operand, place))
    return Arithmetic(
        words=f"{{0}}, at least {low} and at most {high}",
        symbols="y = min(max(x, low), high)",
        result=result,
        groups=terms.groups,
        references=[Reference(operand=operand, index=place)],
        counts=True,
    )
