"""Pairs of right runs, which must stay within the rounding tolerance, and pairs of which one has a changed weight."""

import argparse
import copy
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from itertools import chain
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

import torch
from harness import circumstances, write_table
from torch import nn

from bert_inspect import Trace
from bert_inspect.api import load, trace
from bert_inspect.diff import Diff, diff

HERE = Path(__file__).parent
SENTENCES = [
    "The film was a delight from start to finish.",
    "I hated every minute of it",
    "ok",
    "!!! ??? ...",
    "12345 67890 3.14159 $99.99",
    "NO NO NO NO NO NO NO NO NO NO",
    "supercalifragilisticexpialidocious",
    "@user see http://t.co/abc #fail lol",
    "naïve café déjà vu façade",
    "这 是 一 个 测试",
    "great 🎉 😀 😀",
    "My order arrived broken, and nobody answered the phone for three weeks; never again.",
    "One of the best books that I have read this year: warm, funny and very sad.",
    "x " * 60,
]
WORDS = " ".join(SENTENCES).split()
TRAINED = "trained"
HALVES = (torch.bfloat16, torch.float16)


class Found(NamedTuple):
    """The largest multiple of the rounding tolerance in a pair, and where it is."""

    times: float
    where: str


def drawn(chance: random.Random) -> list[str]:
    """Draw one to three sentences: as they are, or of words picked anywhere."""

    def sentence() -> str:
        if chance.random() < 0.4:
            return chance.choice(SENTENCES)
        return " ".join(chance.choice(WORDS) for _ in range(chance.choice((1, 2, 3, 5, 8, 13, 21, 34))))

    return [sentence() for _ in range(chance.choice((1, 2, 3)))]


class Runs:
    """A model in each precision, and its traces."""

    def __init__(self, model: Any, tokenizer: Any) -> None:
        self.model, self.tokenizer = model, tokenizer
        self._in = {torch.float32: model}

    def trace(self, texts: list[str], dtype: torch.dtype = torch.float32, attention: str = "eager") -> Trace:
        """Run one batch, with all values."""
        if dtype not in self._in:
            self._in[dtype] = copy.deepcopy(self.model).to(dtype)
        return trace(self._in[dtype], self.tokenizer, texts, values=True, attention=attention)


def pairs(runs: Runs, texts: list[str], chance: random.Random) -> Iterator[tuple[str, Trace, Trace]]:
    """Yield eight pairs that compute the same in different ways."""
    eager = runs.trace(texts)
    yield "eager, sdpa", eager, runs.trace(texts, attention="sdpa")
    yield "padded, alone", eager, runs.trace(texts[:1], attention=chance.choice(("eager", "sdpa")))
    yield "another order", eager, runs.trace(texts[::-1], attention=chance.choice(("eager", "sdpa")))
    yield "float32, float64", eager, runs.trace(texts, torch.float64, chance.choice(("eager", "sdpa")))
    halves = {dtype: runs.trace(texts, dtype, chance.choice(("eager", "sdpa"))) for dtype in HALVES}
    for dtype, half in halves.items():
        yield f"float32, {_name(dtype)}", eager, half
        alone = runs.trace(texts[-1:], dtype, chance.choice(("eager", "sdpa")))
        yield f"{_name(dtype)}: padded, alone", half, alone


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def worst(found: Diff) -> Found:
    """Return where a pair comes nearest to its tolerance, or exceeds it most."""
    step = max((step for step in found.steps if step.times is not None), key=lambda step: float(step.times or 0))
    return Found(float(step.times or 0), f"{step.label}, layer {step.layer}" if step.layer is not None else step.label)


def _biased(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.attention.output.dense.bias.data += 50


def _biased_in_one(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.output.dense.bias.data[7] += 50


def _cancelling_residual(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.attention.output.LayerNorm.bias.data += 20
        layer.output.dense.bias.data -= 20


def _cancelling_attention(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.attention.self.value.bias.data += 30
        dense = layer.attention.output.dense
        dense.bias.data -= 30 * dense.weight.data.sum(dim=1)


def _still(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        norm, dense = layer.attention.output.LayerNorm, layer.output.dense
        norm.weight.data *= 1e-3
        norm.bias.data = 1 + 1e-3 * norm.bias.data
        dense.weight.data *= 1e-3
        dense.bias.data *= 1e-3


def _sharp(model: Any) -> None:
    for layer in model.bert.encoder.layer:
        layer.attention.self.query.weight.data *= 20


CONDITIONS: dict[str, Callable[[Any], None]] = {
    "a bias of 50 before each norm": _biased,
    "a bias of 50 in one feature": _biased_in_one,
    "residual sums that cancel": _cancelling_residual,
    "attention outputs that cancel": _cancelling_attention,
    "norms over a small variance": _still,
    "scores 20 times as large": _sharp,
}


class Change(NamedTuple):
    """Which pair, which of the two types, and by how many standard deviations of its matrix one weight is changed."""

    dtype: torch.dtype
    attention: str
    by: float


CHANGES = [
    Change(torch.float32, "sdpa", 0.1),
    Change(torch.float64, "eager", 0.1),
    Change(torch.float16, "eager", 10.0),
    Change(torch.bfloat16, "eager", 30.0),
]


def changed(runs: Runs, texts: list[str], change: Change, chance: random.Random) -> tuple[bool, bool]:
    """Change one weight of a matrix in the encoder; return whether that is found, and whether at its step."""
    model = copy.deepcopy(runs.model)
    matrices = [(path, each) for path, each in model.bert.encoder.named_modules() if isinstance(each, nn.Linear)]
    path, module = chance.choice(matrices)
    weight = module.weight.data
    weight[chance.randrange(weight.shape[0]), chance.randrange(weight.shape[1])] += change.by * weight.std()
    other = Runs(model, runs.tokenizer).trace(texts, change.dtype, change.attention)
    first = diff(runs.trace(texts), other).first
    return first is not None, first is not None and first.path == f"bert.encoder.{path}"


@cache
def _runs(name: str) -> Runs:
    torch.set_num_threads(1)
    model, tokenizer = load("bert-sentiment")
    if name in CONDITIONS:
        CONDITIONS[name](model)
    return Runs(model, tokenizer)


def _healthy(job: tuple[str, int]) -> list[tuple[str, Found]]:
    name, seed = job
    chance = random.Random(seed)
    found = [(kind, worst(diff(a, b))) for kind, a, b in pairs(_runs(name), drawn(chance), chance)]
    return [(kind if name == TRAINED else name, each) for kind, each in found]


def _changed(job: tuple[Change, int]) -> tuple[Change, bool, bool]:
    change, seed = job
    chance = random.Random(1000 + seed)
    return change, *changed(_runs(TRAINED), drawn(chance), change, chance)


def main() -> None:
    """Run the pairs and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=125, help="batches of the trained model, of eight pairs each")
    parser.add_argument("--ill", type=int, default=5, help="batches of each badly conditioned model")
    parser.add_argument("--changes", type=int, default=50, help="changed weights of each kind")
    parser.add_argument("--first", type=int, default=1000, help="the first seed; lower ones found the constants")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    asked = parser.parse_args()

    def seeds(count: int) -> range:
        return range(asked.first, asked.first + count)

    healthy = [(TRAINED, seed) for seed in seeds(asked.draws)]
    healthy += [(name, seed) for name in CONDITIONS for seed in seeds(asked.ill)]
    changes = [(change, seed) for change in CHANGES for seed in seeds(asked.changes)]
    found: dict[str, list[Found]] = defaultdict(list)
    seen: dict[Change, list[tuple[bool, bool]]] = defaultdict(list)
    with ProcessPoolExecutor(asked.jobs, mp_context=get_context("spawn")) as pool:
        for kind, each in chain.from_iterable(pool.map(_healthy, healthy)):
            found[kind].append(each)
        for change, somewhere, there in pool.map(_changed, changes):
            seen[change].append((somewhere, there))
    lines = ["| right pairs | pairs | alarms | nearest to the tolerance |", "| --- | --- | --- | --- |"]
    for kind, all_ in found.items():
        most, alarms = max(all_), sum(each.times > 1 for each in all_)
        lines.append(f"| {kind} | {len(all_)} | {alarms} | {most.times:.2f} ({most.where}) |")
    lines += ["", "| one changed weight in | by | pairs | found | at its step |", "| --- | --- | --- | --- | --- |"]
    for change, each_ in seen.items():
        share, there = (sum(each[at] for each in each_) / len(each_) for at in (0, 1))
        kind = f"float32 against {_name(change.dtype)}, {change.attention}"
        lines.append(f"| {kind} | {change.by:g} standard deviations | {len(each_)} | {share:.0%} | {there:.0%} |")
    print("\n".join(lines))
    if asked.write:
        write_table(HERE / "README.md", "healthy", [circumstances(), "", *lines])


if __name__ == "__main__":
    main()
