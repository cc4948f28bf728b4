"""``bert-inspect model``: the components of a model without a run."""

from typing import Annotated

import typer

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o
from .deliver import check_output
from .inputs import ModelChoice


def model(
    name: Annotated[str, typer.Argument(metavar="[NAME]", help="A folder, a built-in name, or one in the cache.")] = (
        "bert-base-cased"
    ),
    download: o.Download = False,
    num_labels: o.NumLabels = None,
    depth: o.Depth = None,
    json: o.Json = False,
    output: o.OutputFile = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show the components: classes, arguments, parameters, where each is implemented."""
    from ..traces.codec import encode_line

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    json_to_stdout = check_output(output, json=json)
    choice = ModelChoice(name=name, download=download, weights="none", num_labels=num_labels)
    checkpoint = choice.locate(terminal)
    with terminal.waiting("loading torch"):
        from ..capture.components import components

        found = components(choice.load(checkpoint, terminal))
    if output is not None and output != "-":
        terminal.save(output, [encode_line(found)])
    if json_to_stdout:
        terminal.write([encode_line(found)])
    else:
        from ..render.components import ComponentTable

        terminal.show(ComponentTable(found, depth=depth))
    return ExitCode.OK
