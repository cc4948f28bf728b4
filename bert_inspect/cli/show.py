"""``bert-inspect show``: a saved trace again, without torch."""

from typing import Annotated

import typer

from ..errors import ExitCode
from . import help
from . import options as o
from .deliver import deliver_trace
from .expand import expanded
from .outcome import say_what_is_missing
from .outfile import check_output


@expanded
def show(
    trace: o.TraceFile,
    *,
    line: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Of a file of traces, one a line, the N-th.", rich_help_panel=help.INPUT),
    ] = None,
    select: o.SelectionOptions,
    look: o.ViewOptions,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Show a saved trace again, with every view option of run."""
    from ..traces.selection import narrowed
    from ..traces.trace_file import load_line, load_trace

    terminal = term.terminal()
    selection = select.selection()
    check_output(out.file, others=[trace])
    loaded = narrowed(load_trace(trace) if line is None else load_line(trace, line), selection)
    look.focus().check(loaded.input, heads=loaded.model.sizes.heads)
    say_what_is_missing(loaded, terminal, stats=look.stats, values=look.values)
    deliver_trace(loaded, look.view(), terminal, out)
    return ExitCode.OK
