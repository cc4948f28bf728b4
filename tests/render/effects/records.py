"""Effects made by hand, with numbers that everybody can compare."""

from collections.abc import Sequence
from typing import Any

from msgspec import structs
from render.explain.records import batch, model

from bert_inspect.analysis.effects.record import FORMAT, VERSION, AnswerEffects, Effect, Effects
from bert_inspect.analysis.explain.explanation import Logit, Target
from bert_inspect.traces.record import Environment, Input

TARGET = Target(
    what="class",
    of=Logit(label="positive", index=1, logit=2.0, probability=0.982),
    against=Logit(label="negative", index=0, logit=-2.0, probability=0.018),
    log_odds=True,
)
ENVIRONMENT = Environment(bert_inspect="1", python="3", torch="2", transformers="5")
SHARES = [[0.0, 0.0, -0.25, 1.0], [1.0, 0.5, 0.75, 0.0], [0.0, 0.125, 0.0625, 0.0]]
"""Of [CLS], the word that differs, [SEP]: before the first of three layers, and after each."""


def patched(
    *, clean: str = "great", corrupt: str = "awful", shares: Sequence[Sequence[float]] = SHARES, **changes: Any
) -> Effects:
    """Hidden states of one sentence put into another of one word: the clean number is 4, the corrupt one -4."""
    effects = [
        _patch(share, layer=None if not state else state - 1, tokens=[place])
        for state in range(len(shares[0]))
        for place, share in enumerate(row[state] for row in shares)
    ]
    given = batch(clean, corrupt)
    return _record(effects, given, command="patch", each="layer-token", direction="denoising", how="clean", **changes)


def patched_blocks(**changes: Any) -> Effects:
    """The attention blocks of three layers."""
    effects = [_patch(share, layer=layer) for layer, share in enumerate((0.0, 0.25, 1.0))]
    given = batch("great film", "awful film")
    settings = {"command": "patch", "each": "attention", "direction": "noising", "how": "corrupt"}
    return _record(effects, given, **settings, **changes)


def ablated(heads: Sequence[Sequence[float]], *, importance: bool = False, **changes: Any) -> Effects:
    """Each head taken away."""
    effects = [
        Effect(edits=[f"layer.{layer}.head.{at}"], layer=layer, number=at, value=4 + effect, effect=effect)
        for layer, row in enumerate(heads)
        for at, effect in enumerate(row)
    ]
    found = _record(effects, batch("great film"), command="ablate", each="head", **changes)
    if not importance:
        return found
    sizes = [[abs(effect) for effect in row] for row in heads]
    return structs.replace(found, answers=[structs.replace(found.answers[0], importance=sizes)])


def _patch(share: float, *, layer: int | None, tokens: Sequence[int] = ()) -> Effect:
    flips = share > 0.5
    return Effect(
        edits=["put in"],
        layer=layer,
        number=None,
        tokens=list(tokens),
        value=-4 + 8 * share,
        effect=8 * share,
        probability=0.75 if flips else 0.25,
        flips=flips,
        answer="positive" if flips else "",
        normalised=share,
    )


def _record(effects: list[Effect], given: Input, **settings: Any) -> Effects:
    patch = settings["command"] == "patch"
    answer = AnswerEffects(
        sentence=1 if patch else 0,
        target=TARGET,
        value=-4.0 if patch else 4.0,
        answer="negative" if patch else "positive",
        effects=effects,
        clean=4.0 if patch else None,
        corrupt=-4.0 if patch else None,
        clean_answer="positive" if patch else "",
        corrupt_answer="negative" if patch else "",
    )
    made: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "environment": ENVIRONMENT,
        "model": model(),
        "input": given,
        "metric": "logit-diff",
        "answers": [answer],
    }
    return Effects(**{**made, **settings})
