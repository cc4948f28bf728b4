"""The arithmetic of single numbers as the page holds it: text by step, output and index; and how to ask for another."""

import shlex
from typing import Any

from ...cells.record import Opened
from ...safetext import safe_text
from ...traces.record import Trace
from ..cell import cell_lines


def cells_data(trace: Trace, opened: Opened) -> dict[str, Any]:
    """Return the ``texts`` of cells, and the beginning of the ``command`` that shows any other cell of a step."""
    return {
        "texts": {
            f"{step}.{place}": {",".join(map(str, index)): "\n".join(cell_lines(cell)) for index, cell in cells}
            for (step, place), cells in opened.items()
        },
        "command": _command(trace),
    }


def _command(trace: Trace) -> str:
    """Return the options with which `bert-inspect cell` runs the same; empty where the model came from Python."""
    model, batch = trace.model, trace.input
    if model.source == "python":
        return ""
    choices = model.task == "multiple-choice"
    texts = batch.texts[:1] if choices else batch.texts
    option = "--choice" if choices else "--pair"
    words = [safe_text(text) for text in texts]
    words += [word for pair in batch.pairs or () for word in (option, safe_text(pair))]
    words += ["--model", model.name, "--task", model.task]
    words += ["--attention", model.attention] if model.attention != "eager" else []
    return " ".join(map(shlex.quote, [*words, "--dtype", model.dtype]))
