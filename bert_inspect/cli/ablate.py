"""``bert-inspect ablate``: what changes if a part is taken away, each in turn."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import typer

from ..errors import ExitCode
from . import complete, help
from . import options as o
from .ablate_many import ManySentences, ablate_many
from .effects_out import EffectsFile, check_effects_file, deliver_effects
from .expand import Only, Without, expanded
from .inputs import shows_help
from .prepare import check_weights, prepare

_UNITS = {"attention": "attention block", "intermediate": "feed-forward block"}
Each = Literal["head", "layer", "attention", "intermediate", "token", "word", "neuron"]


@dataclass(frozen=True, kw_only=True)
class UnitOptions:
    """What is edited in turn, and how."""

    panel: ClassVar = help.EDIT

    each: Annotated[
        Each,
        typer.Option(
            help="What is taken away: heads, layers, the attention or the feed-forward block (intermediate) of each "
            "layer, tokens, words, or the neurons of a layer."
        ),
    ] = "head"
    how: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            autocompletion=complete.hows,
            help="What stands in its place: zero, mean (over the tokens of the sentences), mean:PROFILE (over a "
            "corpus), resample:TEXT (what it gives for another sentence), or a number that scales. Tokens and words "
            "are masked.",
        ),
    ] = "zero"
    layer: Annotated[
        int | None,
        typer.Option(min=0, metavar="N", help="Look at this layer alone, from 0.", rich_help_panel=help.FILTER),
    ] = None


@dataclass(frozen=True, kw_only=True)
class WatchedOptions:
    """Which number of a sentence is watched."""

    panel: ClassVar = help.FILTER

    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Watch this class (or choice, token at a mask; 'start' or 'end' of an answer), not the predicted.",
        ),
    ] = None
    against: Annotated[
        str | None, typer.Option(metavar="LABEL", help="Hold it against this class, not the largest of the others.")
    ] = None
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT|N", help="The token whose label, or place, is watched, where each has its own."),
    ] = None


@expanded
def ablate(
    context: typer.Context,
    *,
    text: Annotated[o.TextOptions, Without("trace", "labels")],
    file: ManySentences,
    model: o.ModelOptions,
    units: UnitOptions,
    watched: WatchedOptions,
    importance: Annotated[
        bool,
        typer.Option(
            "--importance",
            help="Of heads: their importance by the gradient too, beside the measured effect.",
            rich_help_panel=help.SHOW,
        ),
    ] = False,
    all: Annotated[
        bool,
        typer.Option("--all", help="Every row and every sentence, not the largest alone.", rich_help_panel=help.SHOW),
    ] = False,
    out: Annotated[o.OutputOptions, Only("json")],
    output: EffectsFile = None,
    term: o.TerminalOptions,
) -> int:
    """Take each head, layer or token away in turn: see what follows."""
    terminal = term.terminal()
    spec = model.spec()
    check_weights(spec)
    from ..analysis.effects.asked import Asked
    from ..analysis.explain.wanted import Wanted

    asked = Asked(wanted=Wanted(**vars(watched)), importance=importance, **vars(units))
    asked.check()
    if file.input_file is None and shows_help(context, text.texts):
        return ExitCode.USAGE
    check_effects_file(output)
    if file.input_file is not None:
        found = ablate_many(file, text, spec, asked, terminal)
    else:
        loaded, batch = prepare(text, spec, terminal, edits=asked.layers())
        with terminal.waiting(f"taking each {_UNITS.get(units.each, units.each)} away"):
            from ..analysis.effects.ablate import ablate as ablate_each

            found = ablate_each(loaded, batch, asked=asked)
    deliver_effects(found, terminal, out, output=output, every=all)
    return ExitCode.OK
