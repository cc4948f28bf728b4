"""The three lines at the top: which sentence, which answer, which model."""

from rich.text import Text

from ..render.answers import answers, title
from ..render.header import meaning_of
from ..render.words import BAD, DIM, NAME, PLAIN, sentence
from ..safetext import safe_text
from ..traces.record import Trace

_SENTENCE = 300


def banner(trace: Trace, row: int) -> Text:
    """Return the three lines of a run, of one of its sentences; greyed where the answer means nothing."""
    return Text("\n").join([_sentence(trace, row), _answer(trace, row), _model(trace)])


def _model(trace: Trace) -> Text:
    model = trace.model
    line = Text.assemble((safe_text(model.name), NAME), ("  " + safe_text(model.class_), DIM), no_wrap=True)
    if model.weights != "pretrained":
        what, so = meaning_of(model)
        line.append(f"  {what}: {so}", BAD)
    if trace.selection:
        chosen = ", ".join(f"{name} {value}" for name, value in trace.selection.items())
        line.append(safe_text(f"  selected: {chosen}"), DIM)
    return line


def _sentence(trace: Trace, row: int) -> Text:
    texts, pairs = trace.input.texts, trace.input.pairs
    if row >= len(texts):
        return Text("no sentence", DIM)
    line = Text(no_wrap=True)
    if len(texts) > 1:
        line.append(f"{row + 1} of {len(texts)}  ", DIM)
    line.append(sentence(texts[row], most=_SENTENCE))
    if pairs is not None:
        line.append("  with  ", DIM).append(sentence(pairs[row], most=_SENTENCE))
    return line


def _answer(trace: Trace, row: int) -> Text:
    if trace.failure is not None:
        return Text(f"the forward failed: {safe_text(trace.failure.cause)}", BAD, no_wrap=True)
    found = answers(trace)
    if not found:
        return Text("no answer: this model has no head, or no numbers were computed", DIM, no_wrap=True)
    line = Text.assemble((f"{title(trace)}  ", DIM), no_wrap=True)
    answer = found[row] if row < len(found) else found[0]  # a choice is one answer to all
    line.append(answer.name, NAME if answer.means_something else DIM)
    line.append(f" {answer.score}" if answer.score else "", PLAIN if answer.means_something else DIM)
    if not answer.means_something:
        line.append("   (meaningless)", DIM)
    return line
