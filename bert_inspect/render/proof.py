"""The proof of a trace, in a few lines."""

from rich.text import Text

from ..safetext import safe_text
from ..traces.proof import Check, CheckName, Fault, Proof
from .words import BAD, DIM, KNOWN, number


def proof(proved: Proof) -> Text:
    """Return the verdict and what it rests on."""
    if proved.fault is not None:
        text = Text.assemble(("failed", BAD), f": {in_words(proved.fault)}")
    elif any(check.name == "edits" for check in proved.checks):
        text = Text.assemble(
            ("passed", KNOWN),
            ": every edited tensor is the intended one, and all before the first edit is bitwise identical to a run "
            "without edits",
        )
    else:
        text = Text.assemble(("passed", KNOWN), ": the logits are bitwise identical to those of a run without hooks")
    grounds = [_ground(check) for check in proved.checks if check.name in _GROUNDS]
    return text.append("\n" + "; ".join(grounds), DIM) if grounds else text


def in_words(fault: Fault) -> str:
    """Return what did not hold and where, in one line."""
    where = "" if fault.path is None else f"{fault.label or 'a step'} in {fault.path or 'the model'}: "
    step = "" if fault.step is None else f"step {fault.step}, "
    return safe_text(f"{step}{where}{fault.message}")


_GROUNDS: dict[CheckName, str] = {
    "ops": "{} ops run again on their inputs",
    "modules": "{} calls of torch.nn modules run again",
    "perturbations": "{} of their inputs changed, and the results with them",
    "origins": "{} tensors traced to their source",
    "constants": "constants of {} steps the same on other inputs",
    "hidden states": "{} hidden states as the model returns them",
    "attentions": "{} attentions as the model returns them",
    "statistics": "statistics of {} tensors recomputed",
    "values": "values of {} tensors compared",
    "edits": "edited tensors computed anew by a plain formula: {}",
    "unedited": "{} tensors before the first edit the same without edits",
    "calls": "calls of {} modules counted independently",
    "surroundings": "{} weights, hooks, flags and options unchanged",
}


def _ground(check: Check) -> str:
    text = _GROUNDS[check.name].format(f"{check.checked:,}")
    if check.failed:
        return f"{text} ({check.failed:,} failed)"
    inexact = check.checked - check.exact
    if inexact and check.largest_difference is not None:
        return f"{text} ({inexact:,} of them differ, within rounding, by at most {number(check.largest_difference)})"
    return text
