"""``bert-inspect explain``: why this answer, as an exact sum."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import typer

from ..errors import BertInspectError, ExitCode, UsageError
from ..terminal import Terminal, report
from . import help
from . import options as o
from .deliver import deliver
from .expand import Only, Without, expanded
from .explain_many import SentenceFile, explain_many
from .explained import Asked, NumberOptions
from .inputs import shows_help
from .outfile import check_picture, drawn
from .prepare import check_weights, prepare

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..analysis.explain.explanation import Explanation

_FORMATS = (".svg", ".png", ".html", ".json")


@dataclass(frozen=True, kw_only=True)
class LookOptions:
    """How an explanation is shown."""

    panel: ClassVar = help.SHOW

    split: Annotated[
        bool, typer.Option("--split", help="Word, position and token type apart, and each bias by itself.")
    ] = False
    words: Annotated[bool, typer.Option("--words", help="Add the pieces of a word up.")] = False
    all: Annotated[bool, typer.Option("--all", help="Every row of a long sentence, not the largest alone.")] = False


@expanded
def explain(
    context: typer.Context,
    *,
    text: Annotated[o.TextOptions, Without("trace", "labels")],
    file: SentenceFile,
    model: o.ModelOptions,
    edit: o.EditOptions,
    number: NumberOptions,
    by: Annotated[
        Literal["token", "component", "layer"],
        typer.Option(
            help="What the number is a sum over: tokens, or heads and feed-forward parts; layer: how it grows.",
            rich_help_panel=help.SHOW,
        ),
    ] = "token",
    neurons: Annotated[
        int,
        typer.Option(
            min=0, metavar="N", help="By component: the N largest neurons of each layer.", rich_help_panel=help.SHOW
        ),
    ] = 0,
    check: Annotated[
        bool,
        typer.Option(
            "--check", help="Mask the words in the order of their shares: is it faithful?", rich_help_panel=help.SHOW
        ),
    ] = False,
    look: LookOptions,
    out: Annotated[o.OutputOptions, Only("json")],
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A file too: .svg, .png, .html or .json; '-' is JSON on stdout.",
            rich_help_panel=help.SAVE,
        ),
    ] = None,
    term: o.TerminalOptions,
) -> int:
    """Say why: the answer as an exact sum over tokens or components.

    Exit 1 if a sum differs from what the model returned by more than rounding.
    """
    terminal = term.terminal()
    asked = Asked(by=by, neurons=neurons, check=check, **vars(number))
    _check(asked, look)
    spec, edits = model.spec(), edit.edits()
    check_weights(spec)
    if file.input_file is not None:
        return explain_many(file, text, spec, asked, edits, output=output, json=out.json, terminal=terminal)
    if shows_help(context, text.texts):
        return ExitCode.USAGE
    suffix = _suffix(output)
    loaded, batch = prepare(text, spec, terminal, edits=edits)
    with terminal.waiting("explaining"):
        found = asked.explained(loaded, batch, edits)
    if output is not None and suffix != "":
        terminal.save(output, [_file(found, suffix, look)])
    _show(found, look, terminal, json=out.json or output == "-")
    return told(found)


def _check(asked: Asked, look: LookOptions) -> None:
    """Refuse options that go with another kind of sum.

    Raises:
        UsageError: names them.
    """
    for given, option, by in (
        (asked.neurons, "--neurons", "component"),
        (asked.check, "--check", "token"),
        (look.words, "--words", "token"),
    ):
        if given and asked.by != by:
            raise UsageError(f"{option} goes with --by {by}", f"leave it out, or write --by {by}")


def _suffix(output: str | None) -> str:
    """Return what the file's name ends in, empty where there is no file.

    Raises:
        UsageError: it is no format that an explanation can have, or cannot be written.
    """
    return "" if output is None or output == "-" else check_picture(output, _FORMATS)


def _file(found: "Explanation", suffix: str, look: LookOptions) -> bytes:
    """Return an explanation as the bytes of a file of that kind."""
    if suffix == ".json":
        from ..traces.codec import encode_line

        return encode_line(found)
    from ..render.explain.view import View

    view = View(**vars(look))
    if suffix == ".html":
        from ..render.report import explanation_html

        return explanation_html(found, view).encode()
    from ..render.explain.svg.picture import explanation_svg

    return drawn(explanation_svg(found, view), suffix)


def _show(found: "Explanation", look: LookOptions, terminal: Terminal, *, json: bool) -> None:
    def lines() -> list[bytes]:
        from ..traces.codec import encode_line

        return [encode_line(found)]

    def picture() -> "RenderableType":
        from ..render.explain.page import explanation_page
        from ..render.explain.view import View

        return explanation_page(found, View(**vars(look)))

    def summary() -> "RenderableType":
        from ..render.explain.page import explanation_summary
        from ..render.explain.view import View

        return explanation_summary(found, View(**vars(look)))

    deliver(terminal, o.OutputOptions(json=json), json=lines, picture=picture, summary=summary)


def told(found: "Explanation") -> ExitCode:
    """Return the exit code of an explanation, and say where its sum is not the number that the model returned."""
    if found.adds_up:
        return ExitCode.OK
    wrong = ", ".join(str(answer.sentence + 1) for answer in found.answers if not answer.adds_up)
    report(
        BertInspectError(
            f"the sum differs from what the model returned by more than rounding, in sentence {wrong}",
            "the numbers of the run are not finite, or a module computes something that hides from autograd",
        )
    )
    return ExitCode.NO
