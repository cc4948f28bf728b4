"""``bert-inspect tokens``: the tokenizer's part alone, without torch."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode
from . import options as o
from .deliver import deliver
from .expand import Only, Without, expanded
from .inputs import saved, sentences_of, shows_help
from .outfile import check_output
from .prepare import encode_sentences, find, tokenizer_of

if TYPE_CHECKING:
    from rich.console import RenderableType


@expanded
def tokens(
    context: typer.Context,
    *,
    text: Annotated[o.TextOptions, Without("labels")],
    model: Annotated[o.ModelOptions, Only("name", "download")],
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Show how sentences are tokenized.

    Each token with its id, word, characters, segment and mask.
    """
    from ..traces.codec import encode_line

    terminal = term.terminal()
    check_output(out.file, others=[text.trace])
    if text.trace is not None:
        batch = saved(text).input
    elif shows_help(context, text.texts):
        return ExitCode.USAGE
    else:
        sentences = sentences_of(text, terminal)
        # What is built in needs no weights for its tokens, but to download is to fetch the checkpoint's own tokenizer.
        spec = model.spec(weights="auto" if model.download else "none")
        checkpoint = find(spec, terminal)
        batch = encode_sentences(checkpoint, tokenizer_of(checkpoint, terminal), sentences, text, terminal, spec=spec)

    def picture() -> "RenderableType":
        from ..render.tokens import tokens as table

        return table(batch)

    deliver(terminal, out, json=lambda: [encode_line(batch)], picture=picture)
    return ExitCode.OK
