"""The proof of a trace, in a few lines."""

from rich.text import Text

from ..proof import Check, CheckName, Fault, Proof
from ..safetext import safe_text
from .words import BAD, DIM, KNOWN, number, plural

_WHAT: dict[CheckName, tuple[str, str]] = {
    "ops": ("op", "run again"),
    "modules": ("torch.nn call", "run again"),
    "origins": ("tensor", "traced to its origin"),
    "statistics": ("statistic", "computed anew"),
    "values": ("kept tensor", "compared with what ran"),
    "hidden states": ("hidden state", "as the model returns it"),
    "attentions": ("attention", "as the model returns it"),
}
"""What is counted and what was done with it; several are written with s."""


def proof(proved: Proof) -> Text:
    """Return the verdict and what it rests on."""
    if proved.fault is not None:
        text = Text.assemble(("failed", BAD), f": {in_words(proved.fault)}")
    else:
        text = Text.assemble(("passed", KNOWN), ": the logits are to the bit those of a run without instruments")
    parts = [_part(check) for check in proved.checks if check.name in _WHAT]
    return text.append("\n" + "; ".join(parts), DIM) if parts else text


def in_words(fault: Fault) -> str:
    """Return what did not hold and where, in one line."""
    where = "" if fault.path is None else f"{fault.label or 'a step'} in {fault.path or 'the model'}: "
    step = "" if fault.step is None else f"step {fault.step}, "
    return safe_text(f"{step}{where}{fault.message}")


def _part(check: Check) -> str:
    what, done = _WHAT[check.name]
    text = f"{plural(check.checked, what)} {done}"
    if check.failed:
        return f"{text} ({check.failed} failed)"
    if check.largest_difference is not None and check.exact < check.checked:
        return f"{text} ({check.checked - check.exact} not to the bit, by {number(check.largest_difference)} at most)"
    return text
