"""``bert-inspect doctor``: verdicts on the questions that users ask most."""

from typing import Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .inputs import ModelChoice, parse_sentences

_TEXTS = ["I love cats!", "He hates pineapple pizza."]
"""What is looked at where no sentence is given."""


def doctor(
    texts: Annotated[
        list[str] | None,
        typer.Argument(metavar="TEXT", help="Sentences; '-': one a line on stdin; none: two of its own."),
    ] = None,
    pair: o.Pair = None,
    max_length: o.MaxLength = None,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    weights: o.Weights = "auto",
    num_labels: o.NumLabels = None,
    seed: o.Seed = 123,
    attention: o.Attention = "eager",
    device: o.Device = "cpu",
    dtype: o.Dtype = None,
    only: Annotated[str | None, typer.Option(metavar="NAMES", help="Ask these questions alone: padding,head.")] = None,
    skip: Annotated[str | None, typer.Option(metavar="NAMES", help="Leave these questions out.")] = None,
    json: o.Json = False,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Examine a model: padding, batching, head, tokenizer, precision and more; exit 1 if something fails."""
    from ..analysis.doctor.diagnosis import questions

    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    asked = questions(only, skip)
    if weights == "none":
        raise UsageError("without weights there are no numbers, only shapes", "leave --weights none out")
    sentences = parse_sentences(texts or _TEXTS, pair=pair, labels=None)
    choice = ModelChoice(
        name=model,
        download=download,
        weights=weights,
        num_labels=num_labels,
        seed=seed,
        attention=attention,
        device=device,
        dtype=dtype,
        allow_missing=True,  # what is missing is a finding
    )
    notices: list[str] = []
    checkpoint = choice.locate(terminal, notice=notices.append)
    from ..capture.encode import token_limit
    from ..loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(checkpoint, notice=notices.append)
    with terminal.waiting("loading torch and the model"):
        from ..analysis.doctor.examine import examine

        loaded = choice.load(checkpoint, terminal, notice=notices.append)
    limit = token_limit(tokenizer, checkpoint.positions, max_length)
    with terminal.waiting("examining it"):
        diagnosis = examine(
            loaded, tokenizer, sentences, questions=asked, limit=limit, notices=notices, asking=terminal.detail
        )
    for notice in notices:
        terminal.detail(notice)
    if json:
        from ..traces.codec import encode_line

        terminal.write([encode_line(diagnosis)])
    else:
        from ..render.doctor import diagnosis_page

        terminal.show(diagnosis_page(diagnosis))
    return ExitCode.OK if diagnosis.healthy else ExitCode.NO
