"""Which functions of torch are matrix products, and what they cost: the rules stand in the table of operations."""

from typing import Any

from ...traces.ops import FlopsRule, op_of, plain_name

_rules: dict[Any, FlopsRule | None] = {}
"""By function: it is asked for every op that runs, and the same few come by again and again."""


def flops_rule(func: Any) -> FlopsRule | None:
    """Return what counts the floating point operations of a function, None where it is no matrix product."""
    try:
        return _rules[func]
    except KeyError:
        rule = _rules[func] = op_of(plain_name(getattr(func, "__name__", ""))).flops
        return rule
