"""What stands above the tree: which model, what its weights are in plain words, the sentences as tokens, and what the
model answers.
"""

from itertools import groupby
from operator import itemgetter

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..families import family_of
from ..safetext import safe_text
from ..traces.record import Input, Model, Trace
from ..traces.token_text import token_texts
from .answers import answers, title
from .outcome.meaning import only_pooler_drawn
from .proof import proof
from .words import BAD, DIM, NAME, PLAIN, count, plural

MEANING = {
    "pretrained": ("pretrained", "every tensor comes from the checkpoint"),
    "partial": ("pretrained body, randomly initialized head", "predictions are meaningless"),
    "random": ("randomly initialized", "values and predictions are meaningless"),
    "none": ("none", "only shapes were computed"),
}
GIVEN = {
    "pretrained": ("trained", "their biases and norms are not those of a new model"),
    "partial": ("trained body, head as initialized", "predictions are meaningless"),
}
"""Likewise of a model that was handed over in Python, where nobody saw a checkpoint."""
CAUSAL = "is_decoder is set: each token sees itself and those to its left only, and [CLS] nothing but itself"
POOLER_DRAWN = ("pretrained body, randomly initialized pooler", "its output is meaningless, the hidden states are not")
"""Of a model without a head whose checkpoint holds no pooler."""
BETTER = {
    "partial": "fine-tune it, or name a fine-tuned checkpoint: --model FOLDER",
    "random": "name a checkpoint with --model FOLDER, or fetch one with --download",
    "none": "leave --weights none out for numbers",
}


def header(trace: Trace) -> Group:
    """Return model, weights, input and predictions as a renderable."""
    rows = model_rows(trace.model, trace.input)
    for number, line in _sentences(trace.input):
        rows.add_row(Text(number, justify="right"), line)
    if found := _predictions(trace):
        rows.add_row(title(trace), found)
    if trace.proof is not None:
        rows.add_row("proof", proof(trace.proof))
    return Group(rows, Text())


def model_rows(model: Model, batch: Input) -> Table:
    """Return model, weights and how much input there is, a row each."""
    rows = only_model_rows(model)
    rows.add_row("input", _batch(batch))
    return rows


def only_model_rows(model: Model) -> Table:
    """Return a model and what its weights are, a row each."""
    rows = Table.grid(padding=(0, 2))
    rows.add_column(style=DIM)
    rows.add_column()
    rows.add_row("model", _model(model))
    if model.about:
        rows.add_row("", Text(safe_text(model.about), style=DIM))
    if model.config.get("is_decoder"):
        rows.add_row("", Text(CAUSAL, style=BAD))
    rows.add_row("weights", _weights(model))
    if model.edits:
        rows.add_row("edited", Text("\n".join(map(safe_text, model.edits)), style=BAD))
    return rows


def edited(model: Model) -> str:
    """Return what was edited in a run as the beginning of a sentence on it, empty where nothing was."""
    return f"Of an edited run: {safe_text(', '.join(model.edits))}. " if model.edits else ""


def _model(model: Model) -> Text:
    name = model.name if model.name != model.class_ else ""
    size = size_of(model)
    run = f"{model.attention} attention, {model.dtype}, {model.device}"
    return Text.assemble(
        (f"{safe_text(name)}  " if name else "", NAME),
        safe_text(model.class_),
        (f"\n{safe_text(size)}\n{safe_text(run)}", DIM),
    )


def size_of(model: Model) -> str:
    """Return a model's sizes in a line."""
    sizes = model.sizes
    parts = [] if sizes.layers is None else [plural(sizes.layers, "layer")]
    parts += [] if sizes.heads is None else [plural(sizes.heads, "head")]
    parts += [] if sizes.hidden is None else [f"hidden {sizes.hidden}"]
    return ", ".join([*parts, f"{count(model.parameters)} parameters"])


def _weights(model: Model) -> Text:
    what, so = meaning_of(model)
    text = Text.assemble((what, PLAIN if model.weights == "pretrained" else NAME), f": {so}")
    if drawn := seed_of(model):
        text.append(f" ({drawn})", DIM)
    body = list(filter(family_of(model.family).in_body, model.initialised))
    if model.weights == "partial" and body and not only_pooler_drawn(model):
        text.append(f" ({plural(len(body), 'tensor')} of the body initialized too)", BAD)
    if model.weights in BETTER and model.source != "python" and not only_pooler_drawn(model):
        text.append(f"\n{BETTER[model.weights]}", DIM)
    return text


def meaning_of(model: Model) -> tuple[str, str]:
    """Return what a model's weights are, and what follows from that."""
    if model.source == "python" and model.weights in GIVEN:
        return GIVEN[model.weights]
    what, so = POOLER_DRAWN if only_pooler_drawn(model) else MEANING[model.weights]
    if not model.unused:
        return what, so
    unused = f"{plural(len(model.unused), 'tensor')} of the checkpoint found no place in this model"
    return what, unused if model.weights == "pretrained" else f"{so}; {unused}"


def seed_of(model: Model) -> str:
    """Return the seed that tensors were drawn with, empty where none was drawn here."""
    return f"seed {model.seed}" if model.weights in ("random", "partial") and model.source != "python" else ""


def _batch(batch: Input) -> Text:
    return Text(f"{sentences_in(batch)}, {tokens_in(batch)}")


def sentences_in(batch: Input) -> str:
    """Return how many sentences, or pairs of them, ran."""
    return plural(len(batch.tokens), "pair" if batch.pairs else "sentence")


def tokens_in(batch: Input) -> str:
    """Return how many tokens a sentence has: ``9 tokens``, or ``padded to 9 tokens``."""
    longest = plural(max((len(row) for row in batch.tokens), default=0), "token")
    padded = any(not visible for row in batch.attention_mask for visible in row)
    return f"padded to {longest}" if padded else longest if len(batch.tokens) < 2 else f"{longest} each"


def _predictions(trace: Trace) -> Text:
    """Return what the model answers to each sentence, numbered as the sentences are; greyed where it means nothing."""
    found = answers(trace)
    text = Text()
    for place, answer in enumerate(found[:_SHOWN], start=1):
        text.append("   " if place > 1 else "")
        text.append(f"{place} " if len(found) > 1 else "", DIM)
        text.append(answer.name, NAME if answer.means_something else DIM)
        if answer.score:
            text.append(f" {answer.score}", PLAIN if answer.means_something else DIM)
    if len(found) > _SHOWN:
        text.append(f"   ... {len(found) - _SHOWN} more", DIM)
    if not all(answer.means_something for answer in found):
        text.append("   (meaningless)", DIM)
    return text


_SHOWN = 8
_TOKENS = 60


def _sentences(batch: Input) -> list[tuple[str, Text]]:
    """Return a line of tokens for each sentence, the first ones of a big batch."""
    lines = []
    for number, mask in enumerate(batch.attention_mask[:_SHOWN], start=1):
        tokens = token_texts(batch, number - 1)
        line = Text()
        shown = 0
        for seen, run in groupby(zip(mask, tokens, strict=True), key=itemgetter(0)):
            names = [name for _, name in run]
            if seen:
                for token in names[: _TOKENS - shown]:
                    line.append(safe_text(token) + " ", PLAIN)
                if len(names) > _TOKENS - shown:
                    line.append(f"... {len(names) - _TOKENS + shown} more ", DIM)
                shown = min(_TOKENS, shown + len(names))
            else:  # what is hidden, where it stands: on the right of the text, or on its left
                line.append(f"{safe_text(names[0])}{f' x {len(names)}' if len(names) > 1 else ''} ", DIM)
        if batch.truncated[number - 1]:
            line.append(f"  {plural(batch.truncated[number - 1], 'token')} cut", BAD)
        line.rstrip()
        lines.append((str(number), line))
    if len(batch.tokens) > _SHOWN:
        lines.append(("...", Text(plural(len(batch.tokens) - _SHOWN, "more sentence"), style=DIM)))
    return lines
