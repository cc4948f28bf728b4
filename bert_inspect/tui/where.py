"""The two lines above the tabs: which step is chosen, and what it returned."""

from rich.text import Text

from ..diff.words import where
from ..render.cells import brief, main_output
from ..render.words import BAD, DIM, KNOWN, MASKED, NAME, OP, PLAIN, named_shape
from ..safetext import safe_text
from ..traces.record import Step


def main_place(step: Step) -> int:
    """Return which of a step's outputs is shown first: the one that it is about."""
    main = main_output(step)
    return next((place for place, tensor in enumerate(step.outputs) if tensor is main), 0)


def where_line(step: Step) -> Text:
    """Return the lines: the step with its type and arguments; shape and dtype, and its name in transformers."""
    first = Text.assemble(
        (safe_text(where(step)), NAME), (f"  {safe_text(step.type)}", OP if step.kind == "op" else PLAIN)
    )
    if step.arguments:
        given = brief(step.arguments)
        first.append(safe_text(given if given.startswith("[") else f"({given})", most=200), DIM)
    if step.no_op:
        first.append("  no-op", MASKED)
    if step.failed:
        first.append("  failed here", BAD)
    first.append(f"  #{step.id}", DIM)
    second = Text()
    main = main_output(step)
    if main is not None:
        second.append(named_shape(main, "×")).append(f"  {safe_text(main.dtype)}", DIM)
    if step.known_as:
        second.append("  " + safe_text(", ".join(step.known_as)), KNOWN)
    if step.path:
        second.append(f"  {safe_text(step.path)}", DIM)
    return Text("\n").join([first, second])
