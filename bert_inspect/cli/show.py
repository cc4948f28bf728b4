"""``bert-inspect show``: a saved trace again, without torch."""

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o
from .deliver import check_output, deliver
from .prepare import say_what_is_missing


def show(
    trace: o.TraceFile,
    layer: o.Layer = None,
    module: o.Module = None,
    level: o.Level = "op",
    depth: o.Depth = None,
    fold: o.Fold = False,
    stats: o.Stats = False,
    values: o.ShowValues = False,
    axes: o.Axes = False,
    json: o.Json = False,
    output: o.OutputFile = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show a saved trace again, with every view option of run."""
    from ..render.tree import View
    from ..traces.selection import Selection, narrowed
    from ..traces.trace_file import load_trace

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    selection = Selection.parse(layer=layer, module=module or (), level=level)
    json_to_stdout = check_output(output, json=json, others=[trace])
    loaded = narrowed(load_trace(trace), selection)
    say_what_is_missing(loaded, terminal, stats=stats, values=values)
    view = View(depth=depth, fold=fold, stats=stats, values=values, axes=axes)
    deliver(loaded, view, terminal, json=json_to_stdout, output=output)
    return ExitCode.OK
