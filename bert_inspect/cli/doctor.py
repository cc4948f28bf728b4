"""``bert-inspect doctor``: verdicts on the questions that users ask most."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from ..terminal import Terminal
from . import complete, help
from . import options as o
from .deliver import deliver
from .expand import Only, Without, expanded
from .flags import in_flags
from .inputs import parse_sentences, say_what_is_odd
from .prepare import check_weights, find, load

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..analysis.doctor.diagnosis import Diagnosis, Question
    from ..capture.encode import Sentences
    from ..loading.spec import ModelSpec

_TEXTS = ["I love cats!", "He hates pineapple pizza."]
"""What is looked at where no sentence is given."""


@expanded
def doctor(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Sentences; '-' reads one per line on stdin; none: two of its own."),
    ] = None,
    *,
    text: Annotated[o.TextOptions, Only("pair", "max_length")],
    model: Annotated[o.ModelOptions, Without("allow_missing")],
    only: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Ask only these questions: padding,head.",
            rich_help_panel=help.FILTER,
            autocompletion=complete.questions,
        ),
    ] = None,
    skip: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help="Leave these questions out.",
            rich_help_panel=help.FILTER,
            autocompletion=complete.questions,
        ),
    ] = None,
    out: Annotated[o.OutputOptions, Only("json")],
    term: o.TerminalOptions,
) -> int:
    """Examine a model: padding, batching, head, precision and more.

    Exit 1 if something fails.
    """
    from ..analysis.doctor.diagnosis import questions

    terminal = term.terminal()
    asked = questions(only, skip)
    spec = model.spec(allow_missing=True)  # what is missing is a finding
    check_weights(spec)
    sentences = parse_sentences(texts or _TEXTS, pair=text.pair)
    say_what_is_odd(texts or (), terminal)
    diagnosis = _in_flags(_examined(spec, sentences, asked, text.max_length, terminal))

    def json() -> list[bytes]:
        from ..traces.codec import encode_line

        return [encode_line(diagnosis)]

    def picture() -> "RenderableType":
        from ..render.doctor import diagnosis_page

        return diagnosis_page(diagnosis)

    def summary() -> "RenderableType":
        from ..render.doctor import answer

        return answer(diagnosis)

    deliver(terminal, out, json=json, picture=picture, summary=summary)
    return ExitCode.OK if diagnosis.healthy else ExitCode.NO


def _examined(
    spec: "ModelSpec", sentences: "Sentences", asked: "list[Question]", max_length: int | None, terminal: Terminal
) -> "Diagnosis":
    """Load the model and ask the questions; what is told about the checkpoint is evidence, not a notice."""
    notices: list[str] = []
    checkpoint = find(spec, terminal, notice=notices.append)
    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=notices.append)
    with terminal.waiting("loading torch and the model"):
        from ..analysis.doctor.examine import examine

        loaded = load(checkpoint, spec, terminal, tokenizer=tokenizer, notice=notices.append)
    limit = token_limit(tokenizer, checkpoint.positions, max_length)
    with terminal.waiting("examining it"):
        diagnosis = examine(
            loaded, tokenizer, sentences, questions=asked, limit=limit, notices=notices, asking=terminal.detail
        )
    for notice in notices:
        terminal.detail(notice)
    return diagnosis


def _in_flags(diagnosis: "Diagnosis") -> "Diagnosis":
    from msgspec import structs

    findings = [
        finding if finding.fix is None else structs.replace(finding, fix=in_flags(finding.fix))
        for finding in diagnosis.findings
    ]
    return structs.replace(diagnosis, findings=findings)
