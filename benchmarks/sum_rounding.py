"""How near right sums come to the tolerance by which `explain` says that they add up, and what it takes to be seen.

Every number is a multiple of the tolerance, of which `notes.SAFETY` is part; above 1 a right sum is called wrong.
"""

import copy
import random
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import nn
from word_scores import encoded

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.analysis.explain.explanation import Answer, Total
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.api import load
from bert_inspect.capture.undisturbed import attending
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import MASKED_LM, NO_HEAD
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input
from bert_inspect.traces.vocabulary import roles

sys.path.append(str(Path(__file__).parent.parent / "tests" / "families"))

DTYPES = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
HELD = (roles.QUERY_PROJECTION, roles.KEY_PROJECTION)
CORRUPTED_BY = (1.0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6)


class Case(NamedTuple):
    """A model in one precision and with one attention, what it is run on, and what is asked."""

    name: str
    loaded: Loaded
    batch: Input
    attention: str
    wanted: Wanted = Wanted()


def totals(answers: Sequence[Answer]) -> list[Total]:
    """Return every sum of some answers, those at the cuts too."""
    return [total for answer in answers for total in (answer.total, *(cut.total for cut in answer.cuts)) if total]


def times(total: Total) -> float:
    """Return how many times the tolerance a sum lies from its number."""
    return abs(float(total.difference)) / float(total.rounding)


def tiny_models(seeds: int) -> Iterator[Case]:
    """Yield a tiny model of every family with every head and in every variant, its weights drawn anew by each seed."""
    from tiny import SIZES, VARIANTS, as_loaded, batch, tiny

    plain = [(name, head, {}) for name in SIZES for head in FAMILIES[name].heads if head is not NO_HEAD]
    for name, head, changes in [*plain, *(each for each in VARIANTS if each[1] is not NO_HEAD)]:
        family = FAMILIES[name]
        for seed in range(seeds):
            chance = random.Random(seed)
            model = redrawn(tiny(family, head, **changes), seed)
            given = batch(family, padding=chance.choice(("left", "right")), pairs=chance.random() < 0.5)
            for dtype in DTYPES:
                loaded = as_loaded(copy.deepcopy(model).to(dtype))
                attention = chance.choice([each for each in family.attentions if each in ("eager", "sdpa")])
                wanted = Wanted(token="4" if head is MASKED_LM else None)
                yield Case(f"tiny models of every family, {kind(dtype)}", loaded, given, attention, wanted)


def redrawn(model: Any, seed: int) -> Any:
    """Draw all weights anew, from small ones to such as make attention sharp and residual streams long."""
    torch.manual_seed(seed)
    spread = 10 ** random.Random(seed).uniform(-2, 0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.normal_(0, spread)
            else:
                parameter.add_(torch.randn_like(parameter) * spread)
    return model


def same_model(name: str, loaded: Loaded, batches: Sequence[Input]) -> Iterator[Case]:
    """Yield one model in every precision, and with fused attention."""
    for dtype in DTYPES:
        own = replace(loaded, model=copy.deepcopy(loaded.model).to(dtype))
        for attention in ("eager", "sdpa"):
            for number, batch in enumerate(batches):
                if attention == "eager" or number % 4 == 0:
                    yield Case(f"{name}, {kind(dtype)}", own, batch, attention)


def right(sentiment: Loaded, texts: Sequence[str], *, seeds: int, drawn: int) -> Iterator[str]:
    """Yield the table of right sums."""
    batches = [encoded(sentiment, texts[start : start + 2]) for start in range(0, len(texts), 2)]
    model, tokenizer = load("bert-base-uncased", weights="random")
    base = replace(sentiment, model=model, tokenizer=tokenizer, weights="random")
    cases = chain(
        tiny_models(seeds),
        same_model("bert-sentiment", sentiment, batches),
        same_model("bert-base of random weights", base, batches[:drawn]),
    )
    found: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        with attending(case.loaded.model, case.attention):
            tokens = explain(case.loaded, case.batch, wanted=case.wanted).answers
            components = explain(case.loaded, case.batch, wanted=case.wanted, by="component").answers
        of = found[case.name]
        of["token"] += [times(answer.total) for answer in tokens if answer.total]
        of["cut"] += [times(cut.total) for answer in tokens for cut in answer.cuts]
        of["component"] += [times(answer.total) for answer in components if answer.total]
    yield "| right sums of | sums | called wrong | nearest to the tolerance: by token | at a cut | by component |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for name, of in found.items():
        every = [each for several in of.values() for each in several]
        nearest = " | ".join(f"{max(of[what]):.2f}" for what in ("token", "cut", "component"))
        yield f"| {name} | {len(every):,} | {sum(each > 1 for each in every)} | {nearest} |"


@contextmanager
def corrupted(module: nn.Module, by: float) -> Iterator[None]:
    """Let a module return its numbers a little too large, behind the back of whoever explains them."""
    own = module.forward

    def forward(*args: Any, **kwargs: Any) -> Any:
        out = own(*args, **kwargs)
        with torch._C.DisableTorchFunction():
            out.data.mul_(1 + by)
        return out

    module.forward = forward  # type: ignore[method-assign]
    try:
        yield
    finally:
        del module.forward


def wrong(sentiment: Loaded, texts: Sequence[str], *, modules: int) -> Iterator[str]:
    """Yield the table of sums of which one step was corrupted. Queries and keys are left out: they make nothing but
    attention probabilities, and whatever those are, they are held and the sum is right.
    """
    chance = random.Random(3)
    named = [
        path
        for path, each in sentiment.model.named_modules()
        if isinstance(each, nn.Linear | nn.LayerNorm) and sentiment.family.role(path) not in HELD
    ]
    yield "| one module returns too much, by | of float32 sums, found | of bfloat16 sums, found |"
    yield "| --- | --- | --- |"
    half = replace(sentiment, model=copy.deepcopy(sentiment.model).to(torch.bfloat16))
    drawn = [(chance.choice(named), chance.choice(texts)) for _ in range(modules)]
    for by in CORRUPTED_BY:
        shares = []
        for loaded in (sentiment, half):
            seen = []
            for path, text in drawn:
                with corrupted(loaded.model.get_submodule(path), by):
                    answers = explain(loaded, encoded(loaded, [text])).answers
                seen.append(not all(answer.adds_up for answer in answers))
            shares.append(statistics.fmean(seen))
        yield f"| {by:g} of itself | {shares[0]:.0%} | {shares[1]:.0%} |"


def kind(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")
