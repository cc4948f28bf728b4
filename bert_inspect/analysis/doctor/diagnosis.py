"""What the doctor finds: a verdict on each question, the evidence for it, and what to do."""

import difflib
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from ...errors import UsageError
from ...traces.values import Number

FORMAT = "bert-inspect-diagnosis"
VERSION = 1

Verdict = Literal["pass", "warn", "fail"]
Question = Literal[
    "weights",
    "head",
    "labels",
    "tokenizer",
    "truncation",
    "visible",
    "finite",
    "units",
    "answers",
    "determinism",
    "padding",
    "batch-order",
    "segments",
    "attention",
    "precision",
]
QUESTIONS: tuple[Question, ...] = get_args(Question)


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one question.

    ``path`` and ``label`` name the step that the evidence is about, ``times`` how far two runs part there in multiples
    of the rounding tolerance; they are None where there is no such step. ``fix`` is what to do, None where nothing is.
    """

    question: Question
    verdict: Verdict
    evidence: str
    fix: str | None = None
    path: str | None = None
    label: str | None = None
    times: Number | None = None


def does_not_arise(question: Question, why: str) -> Finding:
    """Return the finding on a question that has no place with this model, and why."""
    return Finding(question=question, verdict="pass", evidence=f"does not arise: {why}")


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True):
    """All findings on one model and some sentences; healthy if none of them is a failure."""

    format: str = FORMAT
    version: int = VERSION
    model: str
    texts: list[str]
    healthy: bool
    findings: list[Finding]


def questions(only: str | None, skip: str | None) -> list[Question]:
    """Return the questions to ask, in their order, from the comma-separated names that were given.

    Raises:
        UsageError: a name is none of them, or none is left.
    """
    wanted = _named(only) if only is not None else QUESTIONS
    unwanted = _named(skip) if skip is not None else ()
    left = [question for question in QUESTIONS if question in wanted and question not in unwanted]
    if not left:
        raise UsageError("no question is left to ask", f"there are {', '.join(QUESTIONS)}")
    return left


def _named(names: str) -> Sequence[str]:
    found = [name.strip() for name in names.split(",") if name.strip()]
    for name in found:
        if name not in QUESTIONS:
            near = difflib.get_close_matches(name, QUESTIONS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(QUESTIONS)}"
            raise UsageError(f"there is no question {name!r}", hint)
    return found
