"""``bert-inspect source``: the code of a module's forward, each line with what it made in this run."""

from typing import Annotated

import typer

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o
from .inputs import ModelChoice, shows_help
from .prepare import Request, prepare, saved, say_what_is_missing, told_failure
from .screen import for_the_screen


def source(
    context: typer.Context,
    path: Annotated[
        str, typer.Argument(metavar="PATH", help="A module: its path, the end of it, a pattern, or a class.")
    ],
    texts: o.Texts = None,
    trace: o.SavedTrace = None,
    pair: o.Pair = None,
    labels: o.Labels = None,
    max_length: o.MaxLength = None,
    truncate: o.Truncate = False,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    weights: o.Weights = "auto",
    num_labels: o.NumLabels = None,
    seed: o.Seed = 123,
    attention: o.Attention = "eager",
    device: o.Device = "cpu",
    dtype: o.Dtype = None,
    allow_missing: o.AllowMissing = False,
    stats: o.Stats = False,
    values: o.ShowValues = False,
    axes: o.Axes = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show the source of a module's forward, each line with what it made in this run."""
    from ..traces.lookup import find_module, first_call, modules_of

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    executed = None
    if trace is not None:
        ran = saved(trace, texts)
        say_what_is_missing(ran, terminal, stats=stats, values=values)
        found, note = find_module(path, modules_of(ran))
    elif shows_help(context, texts):
        return ExitCode.USAGE
    else:
        choice = ModelChoice(
            name=model,
            download=download,
            weights=weights,
            num_labels=num_labels,
            seed=seed,
            attention=attention,
            device=device,
            dtype=dtype,
            allow_missing=allow_missing,
        )
        request = Request(texts=texts, pair=pair, labels=labels, max_length=max_length, truncate=truncate)
        loaded, batch = prepare(request, choice, terminal)
        from ..capture.keep import Keep
        from ..capture.line_trace import run_watched

        found, note = find_module(path, loaded.modules())
        with terminal.waiting("running the model"):
            ran, executed = run_watched(
                loaded, batch, found, keep=Keep(stats=stats, values=for_the_screen() if values else None)
            )
    from ..render.cells import View
    from ..render.listing.page import source_page
    from ..source_view.listing import listing

    if note is not None:
        terminal.say(note)
    step = first_call(ran, found)
    view = View(stats=stats, values=values, axes=axes)
    terminal.show(source_page(listing(ran, step, executed=executed), ran, view))
    return told_failure(ran)
