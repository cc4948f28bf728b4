"""``bert-inspect patch``: which activations of one sentence carry the answer over to another."""

from dataclasses import dataclass, replace
from typing import Annotated, ClassVar, Literal

import typer

from ..errors import ExitCode
from . import help
from . import options as o
from .effects_out import EffectsFile, check_effects_file, deliver_effects
from .expand import Only, expanded
from .prepare import check_weights, find, prepare


@dataclass(frozen=True, kw_only=True)
class PatchOptions:
    """What is put in, which way, and by which number it is measured."""

    panel: ClassVar = help.EDIT

    each: Annotated[
        Literal["layer-token", "head", "attention", "intermediate"],
        typer.Option(
            help="What is put in: the hidden state of each token before and after each layer (layer-token), heads, or "
            "the attention or the feed-forward block (intermediate) of each layer."
        ),
    ] = "layer-token"
    direction: Annotated[
        Literal["denoising", "noising"],
        typer.Option(
            help="Clean activations into the corrupt run (denoising: what is sufficient), or corrupt ones into the "
            "clean run (noising: what is necessary)."
        ),
    ] = "denoising"
    metric: Annotated[
        Literal["logit-diff", "probability"],
        typer.Option(
            help="The logit of the clean answer minus that of the corrupt one, or the probability of the clean answer."
        ),
    ] = "logit-diff"


@dataclass(frozen=True, kw_only=True)
class PatchedNumber:
    """Which number of both runs is watched."""

    panel: ClassVar = help.FILTER

    target: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Watch this class (or token at a mask; 'start' or 'end' of an answer), not the clean answer.",
        ),
    ] = None
    against: Annotated[
        str | None,
        typer.Option(
            metavar="LABEL",
            help="Hold it against this class, not the corrupt answer (where that is the same: the next largest).",
        ),
    ] = None
    token: Annotated[
        str | None,
        typer.Option(metavar="TEXT|N", help="The token whose label, or place, is watched, where each has its own."),
    ] = None


@expanded
def patch(
    clean: Annotated[str, typer.Argument(metavar="CLEAN", help="The sentence whose answer is asked about.")],
    corrupt: Annotated[
        str,
        typer.Argument(metavar="CORRUPT", help="One answered otherwise: as many words, each of as many tokens."),
    ],
    *,
    text: Annotated[o.TextOptions, Only("pair", "max_length", "truncate")],
    model: o.ModelOptions,
    asked: PatchOptions,
    watched: PatchedNumber,
    all: Annotated[
        bool,
        typer.Option("--all", help="Every row, not the largest alone.", rich_help_panel=help.SHOW),
    ] = False,
    out: Annotated[o.OutputOptions, Only("json")],
    output: EffectsFile = None,
    term: o.TerminalOptions,
) -> int:
    """Put one run's activations into another: see what follows."""
    terminal = term.terminal()
    spec = model.spec()
    check_weights(spec)
    from ..analysis.effects.patch_asked import PatchAsked, check_patched
    from ..analysis.explain.wanted import Wanted

    wanted = PatchAsked(wanted=Wanted(**vars(watched)), **vars(asked))
    wanted.check()
    check_effects_file(output)
    checkpoint = find(spec, terminal)
    check_patched(checkpoint.head)
    two = replace(text, texts=[clean, corrupt])
    loaded, batch = prepare(two, spec, terminal, apart=True, checkpoint=checkpoint)
    with terminal.waiting("patching"):
        from ..analysis.effects.patch import patch as patch_each

        found = patch_each(loaded, batch, asked=wanted)
    deliver_effects(found, terminal, out, output=output, every=all)
    return ExitCode.OK
