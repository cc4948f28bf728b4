"""``bert-inspect model``: the components of a model without a run."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..loading.spec import DEFAULT_MODEL
from . import complete
from . import options as o
from .deliver import deliver
from .expand import Only, expanded
from .outfile import check_output
from .prepare import find, load

if TYPE_CHECKING:
    from rich.console import RenderableType


@expanded
def model(
    name: Annotated[
        str,
        typer.Argument(
            envvar=complete.MODEL_VARIABLE,
            metavar="[NAME]",
            help="A folder, a built-in name, or one in the cache.",
            autocompletion=complete.models,
        ),
    ] = DEFAULT_MODEL,
    *,
    options: Annotated[o.ModelOptions, Only("task", "download", "num_labels")],
    look: Annotated[o.ViewOptions, Only("depth")],
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Show a model's components, without a run.

    Their classes, constructor arguments and parameters, and where each is implemented.
    """
    from ..traces.codec import encode_line

    terminal = term.terminal()
    check_output(out.file)
    spec = options.spec(name=name, weights="none")
    checkpoint = find(spec, terminal)
    with terminal.waiting("loading torch"):
        from ..capture.components import components

        found = components(load(checkpoint, spec, terminal))

    def picture() -> "RenderableType":
        from ..render.components import ComponentTable

        return ComponentTable(found, depth=look.depth)

    deliver(terminal, out, json=lambda: [encode_line(found)], picture=picture)
    return ExitCode.OK
