"""What stands on the page without a script: what ran, and its sentences."""

from dataclasses import dataclass

from ...families import heads
from ...safetext import safe_text
from ...traces.output import Output
from ...traces.record import FORMAT, VERSION, Environment, Input, Model, Trace
from ...traces.sentences import cut_in_words
from ...traces.token_text import shown_token
from ..answers import answers, notes, title
from ..header import BETTER, CAUSAL, meaning_of, seed_of, sentences_in, size_of, tokens_in
from ..outcome.choices import prompts
from ..outcome.classes import class_label
from ..outcome.meaning import NO_ANSWER, only_pooler_drawn
from ..proof import proof
from ..words import matmuls, number, plural

SENTENCES = 32
_TOKENS = 512
_ANSWERS = 4


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
    """A sentence with its tokens, those of a word together; ``more`` counts those that are not listed, ``padding``
    those that are hidden at first.
    """

    text: str
    pair: str | None
    words: list[list[Token]]
    padding: int
    more: int
    cut: str


def run_of(environment: Environment, model: Model, batch: Input) -> Trace:
    """Return a run as a trace without steps: what the page says of model and input is said of any run."""
    return Trace(
        format=FORMAT,
        version=VERSION,
        environment=environment,
        model=model,
        input=batch,
        steps=[],
        not_called=[],
        output=None,
    )


def facts(trace: Trace) -> list[Fact]:
    """Return what ran: model, weights, input, answers, totals, versions, proof."""
    model, batch = trace.model, trace.input
    told = [
        *_of_model(model),
        Fact(name="input", value=sentences_in(batch), more=tokens_in(batch)),
        *_answered(trace),
        *_loss(trace),
        _computed(model, matmuls(trace.steps[0].total_flops) if trace.steps else ""),
        _versions(trace.environment),
    ]
    if trace.selection:
        filters = ", ".join(f"{name} {value}" for name, value in trace.selection.items())
        told.append(Fact(name="selected", value=safe_text(filters), more="other steps were not recorded"))
    if trace.proof is not None:
        verdict, _, grounds = proof(trace.proof).plain.partition("\n")
        told.append(Fact(name="proof", value=verdict, more=grounds, good=trace.proof.fault is None))
    return told


def facts_of_profile(model: Model, versions: Environment) -> list[Fact]:
    """Return what ran over a corpus: model, weights, versions."""
    return [*_of_model(model), _computed(model, ""), _versions(versions)]


def _of_model(model: Model) -> list[Fact]:
    what, so = meaning_of(model)
    better = "" if model.source == "python" or only_pooler_drawn(model) else BETTER.get(model.weights, "")
    trained = model.weights == "pretrained"
    about = f"; {model.about}" if model.about else ""
    return [
        Fact(
            name="model",
            value=safe_text(model.name or model.class_),
            more=safe_text(f"{model.class_}, {size_of(model)}{about}"),
        ),
        Fact(
            name="weights",
            value=what if trained else f"{what}: {so}",
            more=so if trained else "; ".join(filter(None, (seed_of(model), better))),
            good=trained,
        ),
        *_edited(model),
        *([Fact(name="mask", value="causal", more=CAUSAL, good=False)] if model.config.get("is_decoder") else []),
    ]


def _computed(model: Model, more: str) -> Fact:
    how = safe_text(f"{model.attention} attention, {model.dtype}, {model.device}")
    return Fact(name="computed", value=how, more=more)


def _versions(versions: Environment) -> Fact:
    return Fact(
        name="versions",
        value=safe_text(f"transformers {versions.transformers}, torch {versions.torch}"),
        more=safe_text(f"bert-inspect {versions.bert_inspect}, Python {versions.python}"),
    )


def _edited(model: Model) -> list[Fact]:
    """Return what was edited in the run, where anything was."""
    if not model.edits:
        return []
    more = "this page shows the edited run"
    return [Fact(name="edited", value=safe_text(", ".join(model.edits)), more=more, good=False)]


def sentences(trace: Trace) -> tuple[list[Sentence], int]:
    """Return the first sentences, and how many more there are."""
    batch = trace.input
    told = []
    for row, text in enumerate(batch.texts[:SENTENCES]):
        told.append(
            Sentence(
                text=safe_text(text),
                pair=None if batch.pairs is None else safe_text(batch.pairs[row]),
                words=_in_words([_token(trace, row, place) for place in range(min(_TOKENS, len(batch.tokens[row])))]),
                padding=batch.attention_mask[row].count(0) if any(batch.attention_mask[row]) else 0,
                more=max(0, len(batch.tokens[row]) - _TOKENS),
                cut=cut_in_words(batch, row),
            )
        )
    return told, max(0, len(batch.texts) - SENTENCES)


def others(trace: Trace) -> str:
    """Return what there is beside the first text: other sentences, or what may follow it."""
    count = len(trace.input.texts)
    if trace.model.task == heads.MULTIPLE_CHOICE.task and len(prompts(trace)) == 1:
        return f"and {plural(count, 'choice')}"
    return f"and {count - 1} more" if count > 1 else ""


def _token(trace: Trace, row: int, place: int) -> Token:
    batch = trace.input
    start, end = batch.offsets[row][place]
    special = bool(batch.special[row][place]) if batch.special else start == end
    kind = "padding" if not batch.attention_mask[row][place] else "special" if special else ""
    words = batch.words[row] if batch.words else []
    piece = bool(words) and place > 0 and words[place] is not None and words[place] == words[place - 1]
    return Token(
        text=safe_text(shown_token(batch, row, place)),
        number=batch.input_ids[row][place],
        kind=kind,
        segment=batch.token_type_ids[row][place],
        piece=piece and batch.sides(row)[place] == batch.sides(row)[place - 1],
    )


def _in_words(tokens: list[Token]) -> list[list[Token]]:
    words: list[list[Token]] = []
    for token in tokens:
        if token.piece:
            words[-1].append(token)
        else:
            words.append([token])
    return words


def _loss(trace: Trace) -> list[Fact]:
    """Return the loss and the labels that it is of, where labels were given."""
    output, labels = trace.output, trace.input.labels
    if output is None or output.loss is None:
        return []
    told = ", ".join(_label(trace, output, label) for label in (labels or [])[:_ANSWERS])
    more = f" and {len(labels) - _ANSWERS} more" if labels and len(labels) > _ANSWERS else ""
    which = "labels" if labels and len(labels) > 1 else "label"
    return [Fact(name="loss", value=number(output.loss), more=f"with the {which} {told}{more}" if told else "")]


def _label(trace: Trace, output: Output, label: int | float | list[int | float]) -> str:
    """Return a label as it was given; a class by its name, a choice by its number on the page."""
    classes = len(output.class_logits[0]) if output.class_logits else 0
    if not isinstance(label, int) or classes < 2 or not 0 <= label < classes:
        return str(label)
    if trace.model.task == heads.MULTIPLE_CHOICE.task:
        return f"choice {label + 1}"
    return class_label(trace, output, label)


def _answered(trace: Trace) -> list[Fact]:
    """Return the answer to the first sentences in a line."""
    found = answers(trace)
    if not found:
        return []
    if not all(one.means_something for one in found):
        return [Fact(name=title(trace), value="none", more=NO_ANSWER[trace.model.weights], good=False)]
    told = [f"{place} {one.name} {one.score}".rstrip() for place, one in enumerate(found[:_ANSWERS], start=1)]
    more = f"and {len(found) - _ANSWERS} more" if len(found) > _ANSWERS else ""
    value = (
        (", " if all(one.score for one in found) else "; ").join(told) if len(found) > 1 else told[0].removeprefix("1 ")
    )
    return [Fact(name=title(trace), value=value.strip(), more="; ".join([*filter(None, [more]), *notes(trace)]))]
