"""What an explanation costs: its time against the model's plain forward, and its memory by the number of tokens.

``python benchmarks/explain_costs.py explain eager 256`` is one process of the second table: it prints the MiB that
its peak lies above what it had before. Linux alone tells that.
"""

import ctypes
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from harness import ENVIRONMENT, paired, seconds
from word_scores import STEPS, difference, encoded, has_captum

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.api import load
from bert_inspect.capture.model_inputs import model_inputs
from bert_inspect.capture.undisturbed import without_gradients
from bert_inspect.loading.loaded import Loaded

AT_MOST = 4.0
SIZES = ((1, 9), (1, 128), (8, 64))
LENGTHS = (64, 128, 256, 512)
EXACT = {**ENVIRONMENT, "MALLOC_MMAP_THRESHOLD_": "65536"}
"""Large blocks go back to the system as soon as they are free, so that no later one hides in them."""


def works(loaded: Loaded, rows: int, tokens: int) -> dict[str, Callable[[], object]]:
    """Return what is measured on a batch of so many sentences of so many tokens."""
    batch = encoded(loaded, ["cats " * (tokens - 2)] * rows)
    inputs = model_inputs(loaded, batch, labels=False)

    def plain() -> None:
        with without_gradients(loaded.model):
            loaded.model(**inputs)

    found: dict[str, Callable[[], object]] = {
        "plain": plain,
        "explain": lambda: explain(loaded, batch),
        "by component": lambda: explain(loaded, batch, by="component"),
    }
    if has_captum():
        found["captum"] = lambda: _captum(loaded.model, inputs["input_ids"])
    return found


def _captum(model: Any, ids: torch.Tensor) -> None:
    from captum.attr import LayerIntegratedGradients

    method = LayerIntegratedGradients(lambda given: difference(model, 1, input_ids=given), model.get_input_embeddings())
    method.attribute(ids, baselines=torch.zeros_like(ids), n_steps=STEPS)


def times(sentiment: Loaded, *, pairs: int) -> Iterator[str]:
    """Yield the table of times."""
    model, tokenizer = load("bert-base-uncased", weights="random")
    base = Loaded(model=model, name="", source="python", weights="random", initialised=(), seed=0, tokenizer=tokenizer)
    yield f"| times the plain forward | `explain` (at most {AT_MOST:g}) | by component | captum, {STEPS} steps |"
    yield "| --- | --- | --- | --- |"
    for name, loaded in (("bert-sentiment", sentiment), ("bert-base", base)):
        for rows, tokens in SIZES:
            work = works(loaded, rows, tokens)
            plain = work.pop("plain")

            def ratio(of: Callable[[], object], many: int, plain: Callable[[], object] = plain) -> float:
                return paired(lambda: seconds(of), lambda: seconds(plain), pairs=many)

            found = [f"{ratio(work[what], pairs):.1f}" for what in ("explain", "by component")]
            found[0] += " (missed)" if float(found[0]) > AT_MOST else ""
            small = loaded is sentiment or (rows, tokens) == SIZES[0]
            slow = f"{ratio(work['captum'], 1):.0f}" if "captum" in work and small else ""
            yield f"| {name}, {rows} x {tokens} tokens | {' | '.join(found)} | {slow} |"


def memory() -> Iterator[str]:
    """Yield the table of peak memory, each number from a process of its own."""
    yield "| MiB added by one sentence of bert-sentiment | " + " | ".join(f"{each} tokens" for each in LENGTHS) + " |"
    yield "| --- |" + " --- |" * len(LENGTHS)
    for what, attention, label in (
        ("plain", "eager", "plain forward"),
        ("explain", "eager", "`explain`"),
        ("explain", "sdpa", "`explain --attention sdpa`"),
        *((("captum", "eager", f"captum, {STEPS} steps at once"),) if has_captum() else ()),
    ):
        found = [_grown(what, attention, tokens) for tokens in LENGTHS if what != "captum" or tokens <= LENGTHS[1]]
        yield f"| {label} | " + " | ".join(found + [""] * (len(LENGTHS) - len(found))) + " |"


def _grown(what: str, attention: str, tokens: int) -> str:
    command = [sys.executable, str(Path(__file__)), what, attention, str(tokens)]
    told = subprocess.run(command, capture_output=True, text=True, check=True, env=EXACT)
    return told.stdout.strip()


def main(what: str, attention: Any, tokens: int) -> None:
    """Print the MiB by which one work raises the peak of this process, after a small one of the same kind."""
    torch.set_num_threads(1)
    model, tokenizer = load("bert-sentiment", attention=attention)
    loaded = Loaded(
        model=model, name="", source="python", weights="pretrained", initialised=(), seed=0, tokenizer=tokenizer
    )
    works(loaded, 1, 5)[what]()
    work = works(loaded, 1, tokens)[what]
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak counts from here
    before = _peak()
    work()
    print(f"{(_peak() - before) / 1024:,.0f}")


def _peak() -> int:
    """Return the most memory in KiB that this process has had, as Linux tells it."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]))
