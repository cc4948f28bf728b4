"""``bert-inspect tokens``: the tokenizer's part alone, without torch."""

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o
from .deliver import check_output
from .inputs import ModelChoice, encode_sentences, parse_sentences, shows_help


def tokens(
    context: typer.Context,
    texts: o.Texts = None,
    trace: o.SavedTrace = None,
    pair: o.Pair = None,
    max_length: o.MaxLength = None,
    truncate: o.Truncate = False,
    model: o.ModelName = "bert-base-cased",
    download: o.Download = False,
    json: o.Json = False,
    output: o.OutputFile = None,
    quiet: o.Quiet = False,
    verbose: o.Verbose = False,
    color: o.Color = "auto",
    no_pager: o.NoPager = False,
    debug: o.Debug = False,
) -> int:
    """Show how sentences are tokenized: ids, words, characters, segments, mask."""
    from ..render.tokens import tokens as table
    from ..traces.codec import encode_line

    if trace is not None and texts:
        raise UsageError("--trace takes the place of sentences", "give one of the two")
    terminal = Terminal(color=color, quiet=quiet, verbose=verbose, pager=not no_pager)
    json_to_stdout = check_output(output, json=json, others=[trace])
    if trace is not None:
        from ..traces.trace_file import load_trace

        batch = load_trace(trace).input
    elif shows_help(context, texts):
        return ExitCode.USAGE
    else:
        sentences = parse_sentences(texts, pair=pair, labels=None)
        checkpoint = ModelChoice(name=model, download=download, tokenizer_only=True).locate(terminal)
        batch = encode_sentences(checkpoint, sentences, max_length=max_length, truncate=truncate, terminal=terminal)
    if output is not None and output != "-":
        terminal.save(output, [encode_line(batch)])
    if json_to_stdout:
        terminal.write([encode_line(batch)])
    else:
        terminal.show(table(batch))
    return ExitCode.OK
