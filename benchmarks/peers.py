"""bert-inspect beside the tools that people use today, on the same checkpoint and input; part of ``make bench``.

Each tool runs in a process of its own, in turns with the plain forward, as its own documentation says.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import ENVIRONMENT, circumstances, process, seconds, write_table

HERE = Path(__file__).parent
TEXTS = ["I love cats!", "He hates pineapple pizza."]

Work = Callable[[], object]


def bert_inspect(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    from bert_inspect import trace

    return lambda: len(trace(model, tokenizer, TEXTS).steps)


def torchinfo(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    from torchinfo import summary

    return lambda: len(summary(model, input_data=dict(batch), verbose=0).summary_list)


def torchlens(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    import torchlens

    return lambda: len(torchlens.trace(model, input_kwargs=dict(batch)))


def nnsight(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    from nnsight import NNsight

    wrapped = NNsight(model)

    def work() -> int:
        kept = []
        with wrapped.trace(**batch):
            for layer in wrapped.bert.encoder.layer:
                kept.append(layer.output.save())  # in a loop, as nnsight rewrites this block
        return len(kept)

    return work


def tracetorch_ml(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    from tracetorch import TraceSession

    def work() -> int:
        with TraceSession(model, capture_stats=False) as session:
            model(**batch)
        return len(getattr(session, "layers", ()) or ())

    return work


def transformers_debugger(model: Any, tokenizer: Any, batch: dict[str, Any]) -> Work:
    from transformers.model_debugging_utils import model_addition_debugger_context

    def work() -> int:
        with tempfile.TemporaryDirectory() as folder:
            with model_addition_debugger_context(model, debug_path=folder, do_prune_layers=False):
                model(**batch)
            return sum(file.stat().st_size for file in Path(folder).iterdir())

    return work


# What each shows, from its documentation and from what the calls above return: modules, functional steps between them,
# names in the field's words, the line of source of each step, which step each tensor came from.
PEERS: dict[str, tuple[Any, str]] = {
    "bert-inspect": (bert_inspect, "modules, functional steps, labels, source lines, dataflow"),
    "torchinfo": (torchinfo, "modules"),
    "torchlens": (torchlens, "modules, functional steps, source lines, dataflow"),
    "nnsight": (nnsight, "whatever one asks for by hand (here the 12 layers' outputs)"),
    "tracetorch-ml": (tracetorch_ml, "modules"),
    "transformers' model_addition_debugger_context": (transformers_debugger, "modules"),
}


def measure(name: str, folder: str, pairs: int) -> None:
    """Print the median of tool / plain forward; with no pairs, only run the tool once (for its memory)."""
    import torch

    from bert_inspect import load

    model, tokenizer = load(folder)
    batch = dict(tokenizer(TEXTS, padding=True, return_tensors="pt"))

    def plain() -> None:
        with torch.inference_mode():
            model(**batch)

    work = PEERS[name][0](model, tokenizer, batch) if name in PEERS else plain
    with torch.no_grad():
        if not pairs:
            work()
            return
        plain()
        work()
        ratios = []
        for _ in range(pairs):
            below = seconds(plain)
            ratios.append(seconds(work) / below)
    print(statistics.median(ratios))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=9)
    parser.add_argument("--measure", nargs=2, metavar=("NAME", "FOLDER"))
    chosen = parser.parse_args()
    if chosen.measure:
        measure(*chosen.measure, chosen.pairs)
        return
    lines = ["| tool | time of the plain forward | memory added | shows |", "| --- | --- | --- | --- |"]
    with tempfile.TemporaryDirectory() as name:
        folder = str(Path(name) / "base")
        save = "import sys; from bert_inspect import load; [part.save_pretrained(sys.argv[1]) for part in load()]"
        process([sys.executable, "-c", save, folder])
        me = [sys.executable, str(HERE / "peers.py"), "--measure"]
        bare = process([*me, "plain", folder, "--pairs", "0"]).peak
        for tool, (_, shows) in PEERS.items():
            told = subprocess.run(
                [*me, tool, folder, "--pairs", str(chosen.pairs)],
                capture_output=True,
                text=True,
                env=ENVIRONMENT,
                check=True,
            )
            peak = process([*me, tool, folder, "--pairs", "0"]).peak - bare
            times = float(told.stdout.strip().splitlines()[-1])
            lines.append(f"| {tool} | {times:.1f} x | {peak:,.0f} MiB | {shows} |")
            print(lines[-1], flush=True)
    write_table(HERE / "README.md", "peers", [f"2 x 9 tokens. {circumstances()}", "", *lines])


if __name__ == "__main__":
    main()
