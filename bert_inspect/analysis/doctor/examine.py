"""Asks the questions, one after the other."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from ...capture.encode import Sentences
from ...errors import BertInspectError
from ...loading.loaded import Loaded
from . import answers, checkpoint, quantities, runs, texts
from .check_context import CheckContext
from .diagnosis import Diagnosis, Finding, Question

_ASKED: Mapping[Question, Callable[[CheckContext], Finding]] = {
    "weights": checkpoint.weights,
    "head": checkpoint.head,
    "labels": checkpoint.class_names,
    "tokenizer": texts.tokenizer,
    "truncation": texts.truncation,
    "visible": texts.visible,
    "finite": quantities.finite,
    "units": quantities.units,
    "answers": answers.answers,
    "determinism": runs.determinism,
    "padding": runs.padding,
    "batch-order": runs.batch_order,
    "segments": runs.segments,
    "attention": runs.attention,
    "precision": runs.precision,
}


def examine(
    loaded: Loaded,
    tokenizer: Any,
    sentences: Sentences,
    *,
    questions: Sequence[Question],
    limit: int | None,
    notices: Sequence[str] = (),
    asking: Callable[[Question], None] = lambda question: None,
) -> Diagnosis:
    """Answer the questions about a model and some sentences.

    Args:
        loaded: the model, with weights.
        tokenizer: its fast tokenizer.
        sentences: what the user is worried about.
        questions: what is asked.
        limit: the most tokens a sentence may have.
        notices: what was worth saying when the model was loaded.
        asking: is told each question before it is looked into.
    """
    context = CheckContext(loaded=loaded, tokenizer=tokenizer, sentences=sentences, limit=limit, notices=notices)
    findings = []
    for question in questions:
        asking(question)
        findings.append(_answer(question, context))
    return Diagnosis(
        model=loaded.name,
        texts=list(sentences.texts),
        healthy=all(finding.verdict != "fail" for finding in findings),
        findings=findings,
    )


def _answer(question: Question, context: CheckContext) -> Finding:
    """Return the finding; a model that cannot even be run fails what needs a run."""
    try:
        with torch.random.fork_rng():  # what is drawn on the way is no loss to the caller
            torch.manual_seed(context.loaded.seed)  # and is the same in every examination
            return _ASKED[question](context)
    except (BertInspectError, ArithmeticError, RuntimeError, IndexError, ValueError, TypeError) as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        return Finding(
            question=question,
            verdict="fail",
            evidence=f"not checked: {said}",
            fix="bert-inspect run shows the step that fails",
        )
