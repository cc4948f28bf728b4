"""What was proved of a trace: the key ``proof``, as plain data."""

from typing import Literal

import msgspec

from .values import Number

CheckName = Literal[
    "logits",
    "ops",
    "modules",
    "perturbations",
    "origins",
    "constants",
    "hidden states",
    "attentions",
    "statistics",
    "values",
    "edits",
    "unedited",
    "calls",
    "surroundings",
]


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of check: how many things were checked, how many agreed to the bit and how many failed.

    ``largest_difference`` is the largest absolute difference between a recorded number and the one that it was held
    against, None where no numbers are compared.

    ========================= ========================================================================================
    ``logits``                entries of logits and loss, against a run of the same model and batch without hooks
    ``ops``                   functional steps, run again on what they received
    ``modules``               calls of torch.nn modules, run again as their class is written
    ``perturbations``         tensors that steps received, replaced by other numbers, upon which the result is another
    ``origins``               tensors that steps received or returned: each holds the bits that the step named by
                              ``from`` returned, and none comes from something that was not recorded
    ``constants``             steps that were given numbers or tensors from outside: the same on other inputs
    ``hidden states``         against those that the model itself returns
    ``attentions``            likewise
    ``statistics``            against plain formulas in float64
    ``values``                numbers and tensors kept, against the tensor
    ``edits``                 edited tensors: each is what a plain formula makes of what the step had computed; and
                              every other number of it as it was
    ``unedited``              tensors that were made before the first edit, against a run without edits
    ``calls``                 modules, against an independent count of their calls (those never called included)
    ``surroundings``          weights, hooks, flags of modules and global options, before and after
    ========================= ========================================================================================
    """

    name: CheckName
    checked: int
    exact: int
    failed: int
    largest_difference: Number | None = None


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """The first thing that did not hold. ``step`` is None where no step of the trace is to blame or where it was left
    out by a filter; ``path`` and ``label`` name it then too.
    """

    check: CheckName
    step: int | None
    path: str | None
    label: str | None
    message: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """Whether everything that was checked held."""

    passed: bool
    checks: list[Check]
    fault: Fault | None
