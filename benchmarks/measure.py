"""Measure bert-inspect against the scripts one would have written; ``make bench`` runs this and writes the table.

``python benchmarks/measure.py --only forward`` measures one part anew and leaves the other rows as they are.
"""

import argparse
import io
import statistics
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from harness import circumstances, paired, process, read_table, seconds, write_table

HERE = Path(__file__).parent
PYTHON = sys.executable
INSPECT = [PYTHON, "-m", "bert_inspect"]
TEXTS = ["I love cats!", "He hates pineapple pizza."]
VOCABULARY = HERE.parent / "bert_inspect" / "data" / "bert-base-cased" / "vocab.txt"


SAVE = """
import sys
from bert_inspect import load
for saved in load("bert-base-cased", weights="random"):
    saved.save_pretrained(sys.argv[1])
"""


class Row(NamedTuple):
    """One line of the table."""

    what: str
    target: str
    found: str


def timed(command: list[str], *, stdin: bytes = b"") -> Callable[[], float]:
    return lambda: process(command, stdin=stdin).seconds


def ratio(what: str, target: float, found: float, digits: int = 2) -> Row:
    verdict = "" if found <= target else " (missed)"
    return Row(what, f"{target:.2f}", f"{found:.{digits}f}{verdict}")


def whole_processes(pairs: int, folder: Path) -> Iterator[Row]:
    run = [*INSPECT, "run", *TEXTS]
    local = [*run, "--model", str(folder / "base")]
    plain = timed([PYTHON, str(HERE / "plain_pretrained.py"), str(folder / "base"), "2", "0"])
    yield ratio("`run` on a local checkpoint, against the plain script", 0.95, paired(timed(local), plain, pairs=pairs))
    yield ratio("the same with `--json`", 0.95, paired(timed([*local, "--json"]), plain, pairs=pairs))
    drawn = timed([PYTHON, str(HERE / "plain_random.py"), str(VOCABULARY)])
    built_in = timed([*run, "--model", "bert-base-cased", "--weights", "random"])
    yield ratio(
        "`run` with a built-in architecture at random, against the same", 0.95, paired(built_in, drawn, pairs=pairs)
    )
    none = timed([*run, "--model", "bert-large-cased", "--weights", "none"])
    imports = timed([PYTHON, "-c", "import torch, transformers.models.bert.modeling_bert"])
    yield ratio("`--weights none`, bert-large, against the imports alone", 1.15, paired(none, imports, pairs=pairs))


def start_up(pairs: int, folder: Path) -> Iterator[Row]:
    typer = timed([PYTHON, "-c", "import typer"])
    for option in ("--help", "--version"):
        found = paired(timed([*INSPECT, option]), typer, pairs=2 * pairs)
        yield ratio(f"`{option}`, against `import typer`", 2.0, found)
    rich = timed([PYTHON, "-c", "import rich.console, msgspec"])
    show = timed([*INSPECT, "show", str(folder / "trace.json")])
    yield ratio("`show` of a bert-base trace, against its imports", 4.0, paired(show, rich, pairs=2 * pairs))


def _nothing(*_: Any) -> None:
    """Look at a module's call and do nothing."""


class _Idle:
    """Stands around the forward of every module and does nothing."""

    def around(self, module: Any, forward: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *args, **kwargs: forward(*args, **kwargs)

    def around_hooked(self, module: Any, forward: Callable[..., Any], call: Callable[..., Any]) -> Any:
        return self.around(module, forward), self.around(module, call)


def forward(pairs: int, folder: Path) -> Iterator[Row]:
    import torch
    from torch.overrides import TorchFunctionMode
    from transformers.models.bert.configuration_bert import BertConfig
    from transformers.models.bert.modeling_bert import BertForSequenceClassification

    from bert_inspect.api import load, trace
    from bert_inspect.capture.encode import Sentences, encode
    from bert_inspect.capture.forward import run_forward
    from bert_inspect.capture.keep import Keep, TraceSpec
    from bert_inspect.capture.tracing.hooks import Attachment
    from bert_inspect.capture.tracing.tracer import observe
    from bert_inspect.families import BERT
    from bert_inspect.loading.loaded import Loaded

    model, tokenizer = load(str(folder / "base"))

    def sides(texts: list[str], *, stats: bool, model: Any = model) -> tuple[Callable[[], float], ...]:
        modules = dict(model.named_modules())
        batch = encode(tokenizer, Sentences(texts=texts), limit=512, truncate=False)
        inputs = {
            "input_ids": torch.tensor(batch.input_ids),
            "token_type_ids": torch.tensor(batch.token_type_ids),
            "attention_mask": torch.tensor(batch.attention_mask),
        }
        loaded = Loaded(model=model, name="base", source="folder", weights="pretrained", initialised=(), seed=0)
        keep = Keep(stats=stats)

        def plain() -> None:
            with torch.inference_mode():
                model(**inputs)

        def traced() -> None:
            with torch.inference_mode():
                observe(lambda: model(**inputs), modules, BERT, specs=[TraceSpec(keep=keep)])

        def whole() -> None:
            run_forward(loaded, batch, keep=keep)

        def idle() -> None:
            attachment = Attachment()
            attachment.attach(_Idle(), modules.values())
            with torch.inference_mode(), IdleMode():
                model(**inputs)
            attachment.detach()

        def hooked() -> None:
            handles = [module.register_forward_pre_hook(_nothing, with_kwargs=True) for module in modules.values()]
            handles += [module.register_forward_hook(_nothing, with_kwargs=True) for module in modules.values()]
            with torch.inference_mode(), IdleMode():
                model(**inputs)
            for handle in handles:
                handle.remove()

        works = (plain, traced, whole, idle, hooked)
        return tuple((lambda work=work: seconds(work)) for work in works)  # type: ignore[misc]

    class IdleMode(TorchFunctionMode):
        def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            return func(*args, **(kwargs or {}))

    def added(one: Callable[[], float], other: Callable[[], float], steps: int) -> str:
        """Return the microseconds a step that the first takes longer, by the median of pairs."""
        apart = [one() - other() for _ in range(6 * pairs)]
        return f"{statistics.median(apart) / steps * 1e6:.1f} µs"

    for texts, size, target, more in (
        (TEXTS, "2 x 9", 1.10, 6),
        (["cats " * 126] * 8, "8 x 128", 1.03, 2),
        (["cats " * 510], "1 x 512", 1.03, 4),
    ):
        plain, traced, whole, idle, hooked = sides(texts, stats=False)
        found = paired(traced, plain, pairs=more * pairs)
        yield ratio(f"traced forward, {size} tokens, against the plain forward", target, found)
        found = paired(idle, plain, pairs=more * pairs)
        yield Row(f"wrappers and a function mode that do nothing, {size} tokens", "", f"{found:.2f}")
        if size == "2 x 9":
            found = paired(hooked, plain, pairs=more * pairs)
            yield Row(f"hooks and a function mode that do nothing, {size} tokens", "", f"{found:.2f}")
        found = paired(whole, plain, pairs=more * pairs)
        yield Row(f"traced up to the finished trace, {size} tokens", "", f"{found:.2f}")
    steps = len(trace(model, tokenizer, TEXTS).steps)
    plain, traced, *_ = sides(TEXTS, stats=False)
    yield Row("what tracing adds to a step, 2 x 9 tokens of bert-base", "", added(traced, plain, steps))
    small = BertConfig(hidden_size=24, intermediate_size=96, vocab_size=28996)
    plain, traced, *_ = sides(TEXTS, stats=False, model=BertForSequenceClassification(small).eval())
    yield Row("the same with bert-base of width 24, which fits the caches", "", added(traced, plain, steps))
    plain, _, whole, *_ = sides(["cats " * 126] * 8, stats=True)
    yield ratio(
        "traced with statistics of every step, up to the finished trace, 8 x 128 tokens",
        2.0,
        paired(whole, plain, pairs=pairs),
    )


def growth(pairs: int, folder: Path) -> Iterator[Row]:
    import torch
    from transformers import BertConfig, BertForSequenceClassification

    from bert_inspect.api import trace
    from bert_inspect.loading.locate import locate
    from bert_inspect.loading.spec import ModelSpec
    from bert_inspect.loading.tokenizer import load_tokenizer

    tokenizer = load_tokenizer(locate(ModelSpec(name="bert-base-cased", weights="none")))

    def per_step(layers: int, hidden: int) -> Callable[[], float]:
        size: dict[str, Any] = {"hidden_size": hidden, "intermediate_size": 4 * hidden, "vocab_size": 28996}
        with torch.device("meta" if hidden > 64 else "cpu"):
            model = BertForSequenceClassification(
                BertConfig(num_hidden_layers=layers, num_attention_heads=hidden // 16, **size)
            ).eval()
        steps = len(trace(model, tokenizer, TEXTS).steps)
        return lambda: seconds(lambda: trace(model, tokenizer, TEXTS)) / steps

    large = paired(per_step(24, 1024), per_step(12, 768), pairs=3 * pairs)
    yield ratio("time a step: bert-large against bert-base (shapes only)", 1.2, large)
    many = paired(per_step(96, 32), per_step(12, 32), pairs=3 * pairs)
    yield ratio("time a step: 96 layers against 12, of width 32", 1.2, many)


def memory(pairs: int, folder: Path) -> Iterator[Row]:
    local = [*INSPECT, "run", "--model", str(folder / "base")]
    script = [PYTHON, str(HERE / "plain_pretrained.py"), str(folder / "base")]

    def peak(command: list[str], stdin: bytes = b"") -> Callable[[], float]:
        return lambda: process(command, stdin=stdin).peak

    short = "\n".join(TEXTS).encode()
    long = ("\n".join(["cats " * 510] * 8)).encode()
    few = max(1, pairs // 3)
    found = paired(peak(local, short), peak([*script, "2", "0"]), pairs=few)
    yield ratio("peak memory of `run`, 2 x 9 tokens, against the plain script", 1.05, found)
    found = paired(peak(local, long), peak([*script, "8", "510"]), pairs=few)
    yield ratio("peak memory of `run`, 8 x 512 tokens, against the plain script", 1.05, found)
    layer = [*local, "--layer", "3"]
    without = process(layer, stdin=long).peak
    on_screen = process([*layer, "--values"], stdin=long).peak - without
    file = folder / "t.safetensors"
    kept_file = process([*layer, "--tensors", str(file)], stdin=long).peak - without
    kept = file.stat().st_size / 2**20
    row = "peak memory added by `--layer 3 --values`, 8 x 512 tokens (on screen)"
    yield Row(row, f"{2 * kept:,.0f} MiB", f"{on_screen:,.0f} MiB")
    row = f"the same, kept in full with `--tensors` ({kept:,.0f} MiB of tensors)"
    yield Row(row, f"{2 * kept:,.0f} MiB", f"{kept_file:,.0f} MiB" + ("" if kept_file <= 2 * kept else " (missed)"))


def rendering(pairs: int, folder: Path) -> Iterator[Row]:
    from rich.console import Console

    from bert_inspect import Trace
    from bert_inspect.render.page import page
    from bert_inspect.render.tree import View

    trace = Trace.load(folder / "trace.json")

    def draw() -> None:
        Console(file=io.StringIO(), width=120, force_terminal=True, color_system="256").print(
            page(trace, View(stats=True))
        )

    draw()
    best = sorted(seconds(draw) for _ in range(5 * pairs))[5 * pairs // 2] * 1000
    verdict = " (missed)" if best > 60 else ""
    yield Row("drawing the tree of 12 layers with statistics", "60 ms", f"{best:.0f} ms{verdict}")


def throughput(pairs: int, folder: Path) -> Iterator[Row]:
    import torch

    from bert_inspect.api import load
    from bert_inspect.capture.batches import batches, trace_batch
    from bert_inspect.capture.keep import Keep
    from bert_inspect.corpus.sentence_file import NumberedLine
    from bert_inspect.loading.loaded import Loaded
    from bert_inspect.traces.selection import Selection
    from bert_inspect.traces.trace_file import trace_line

    model, tokenizer = load(str(folder / "base"))
    lines = [NumberedLine(i, "I love cats and pizza " * (1 + i % 7)) for i in range(96)]
    loaded = Loaded(model=model, name="base", source="folder", weights="pretrained", initialised=(), seed=0)

    def plain() -> None:
        for batch in batches(lines, tokenizer, size=16):
            inputs = tokenizer([line.text for line in batch], padding=True, return_tensors="pt")
            with torch.inference_mode():
                model(**inputs).logits.tolist()

    def traced() -> None:
        for batch in batches(lines, tokenizer, size=16):
            done = trace_batch(loaded, tokenizer, batch, limit=512, truncate=False, selection=Selection(), keep=Keep())
            trace_line(done)

    found = paired(lambda: seconds(plain), lambda: seconds(traced), pairs=pairs)
    verdict = "" if found >= 0.9 else " (missed)"
    what = "throughput of `--input`, against a plain loop over the same batches"
    yield Row(what, "at least 0.90", f"{found:.2f}{verdict}")


# Drawing stands before what imports torch into this process: `show` draws without it.
PARTS = [whole_processes, start_up, rendering, forward, growth, memory, throughput]


def main() -> None:
    """Measure, print, and write the table into README.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--only", choices=[part.__name__ for part in PARTS])
    chosen = parser.parse_args()
    lines = ["| what | at most | found |", "| --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        process([PYTHON, "-c", SAVE, str(folder / "base")])
        local = [*INSPECT, "run", *TEXTS, "--model", str(folder / "base")]
        process([*local, "--stats", "-o", str(folder / "trace.json")])
        for part in PARTS:
            if chosen.only in (None, part.__name__):
                for row in part(chosen.pairs, folder):
                    lines.append(f"| {row.what} | {row.target} | {row.found} |")
                    print(lines[-1], flush=True)
    note = f"Median of {chosen.pairs} or more interleaved pairs. {circumstances()}"
    table = HERE / "README.md"
    if chosen.only is not None:
        measured = {line.split("|")[1]: line for line in lines}
        old = read_table(table, "measured")[2:]
        lines = [measured.pop(line.split("|")[1], line) for line in old] + list(measured.values())
    write_table(table, "measured", [note, "", *lines])


if __name__ == "__main__":
    main()
