"""What stands on the page without a script: what ran, its sentences, and what the model answered."""

from dataclasses import dataclass

from ...safetext import safe_text
from ...traces.record import Trace
from ..header import BETTER, MEANING, size_of
from ..proof import proof
from ..words import number, plural, short_count

_SENTENCES = 32
_TOKENS = 512
_LABELS = 8


@dataclass(frozen=True, kw_only=True)
class Fact:
    """A line on the run: what it is about, what holds, and a word on it."""

    name: str
    value: str
    more: str = ""
    good: bool = True


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token; ``kind`` is empty, ``special`` or ``padding``, ``piece`` whether it goes on with a word."""

    text: str
    number: int
    kind: str
    segment: int
    piece: bool


@dataclass(frozen=True, kw_only=True)
class Sentence:
    """A sentence with its tokens; ``more`` counts those that are not listed."""

    text: str
    pair: str | None
    tokens: list[Token]
    more: int
    cut: int


@dataclass(frozen=True, kw_only=True)
class Score:
    """What the model says of a class."""

    label: str
    logit: str
    probability: str
    share: float
    chosen: bool


def facts(trace: Trace) -> list[Fact]:
    """Return what ran: model, weights, input, totals, versions, proof."""
    model, batch, versions = trace.model, trace.input, trace.environment
    what, so = MEANING[model.weights]
    better = f"; {BETTER[model.weights]}" if model.weights in BETTER and model.source != "python" else ""
    seed = f" (seed {model.seed})" if model.weights in ("random", "partial") and model.source != "python" else ""
    size = size_of(model)
    padded = any(not visible for row in batch.attention_mask for visible in row)
    longest = max((len(row) for row in batch.tokens), default=0)
    told = [
        Fact(name="model", value=safe_text(model.name or model.class_), more=safe_text(f"{model.class_}, {size}")),
        Fact(name="weights", value=what + seed, more=so + better, good=model.weights == "pretrained"),
        Fact(
            name="input",
            value=f"{plural(len(batch.tokens), 'pair' if batch.pairs else 'sentence')}, {plural(longest, 'token')}",
            more="with padding" if padded else "without padding",
        ),
        Fact(
            name="computed",
            value=safe_text(f"{model.attention} attention, {model.dtype}, {model.device}"),
            more=f"{short_count(trace.steps[0].total_flops)} floating point operations in matrix products"
            if trace.steps
            else "",
        ),
        Fact(
            name="versions",
            value=safe_text(f"transformers {versions.transformers}, torch {versions.torch}"),
            more=safe_text(f"bert-inspect {versions.bert_inspect}, Python {versions.python}"),
        ),
    ]
    if trace.selection:
        filters = ", ".join(f"{name} {value}" for name, value in trace.selection.items())
        told.append(Fact(name="selected", value=safe_text(filters), more="other steps were not kept"))
    if trace.proof is not None:
        verdict, _, grounds = proof(trace.proof).plain.partition("\n")
        told.append(Fact(name="proof", value=verdict, more=grounds, good=trace.proof.fault is None))
    return told


def sentences(trace: Trace) -> tuple[list[Sentence], int]:
    """Return the first sentences, and how many more there are."""
    batch = trace.input
    told = []
    for row, text in enumerate(batch.texts[:_SENTENCES]):
        told.append(
            Sentence(
                text=safe_text(text),
                pair=None if batch.pairs is None else safe_text(batch.pairs[row]),
                tokens=[_token(trace, row, place) for place in range(min(_TOKENS, len(batch.tokens[row])))],
                more=max(0, len(batch.tokens[row]) - _TOKENS),
                cut=batch.truncated[row],
            )
        )
    return told, max(0, len(batch.texts) - _SENTENCES)


def _token(trace: Trace, row: int, place: int) -> Token:
    batch = trace.input
    start, end = batch.offsets[row][place]
    special = bool(batch.special and batch.special[row][place]) or start == end
    kind = "padding" if not batch.attention_mask[row][place] else "special" if special else ""
    words = batch.words[row] if batch.words else []
    piece = bool(words) and place > 0 and words[place] is not None and words[place] == words[place - 1]
    return Token(
        text=safe_text(batch.tokens[row][place]),
        number=batch.input_ids[row][place],
        kind=kind,
        segment=batch.token_type_ids[row][place],
        piece=piece and batch.token_type_ids[row][place] == batch.token_type_ids[row][place - 1],
    )


def predictions(trace: Trace) -> list[tuple[str, str, list[Score], int]]:
    """Return, for the first sentences, the text, the answer, the classes with their scores, and how many more."""
    output, names = trace.output, trace.model.config.get("id2label") or {}
    if output is None:
        return []
    told = []
    for row, prediction in enumerate(output.predictions[:_SENTENCES]):
        logits = output.logits[row]
        shares = output.probabilities[row] if output.probabilities is not None else []
        scores = [
            Score(
                label=safe_text(str(names.get(str(place), names.get(place, f"LABEL_{place}")))),
                logit=number(logit),
                probability=_percent(shares[place]) if shares else "",
                share=_bare(shares[place]) if shares else 0.0,
                chosen=bool(shares) and place == prediction.index,
            )
            for place, logit in enumerate(logits[:_LABELS])
        ]
        told.append(
            (safe_text(trace.input.texts[row]), safe_text(prediction.label), scores, max(0, len(logits) - _LABELS))
        )
    return told


def _bare(share: float | str) -> float:
    return 0.0 if isinstance(share, str) or share != share else float(share)


def _percent(share: float | str) -> str:
    return share if isinstance(share, str) else f"{100 * share:.1f} %"
