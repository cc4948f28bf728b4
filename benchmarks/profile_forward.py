"""Where the time of a traced forward of two short sentences goes, by file; part of ``make bench``."""

import cProfile
import pstats
from collections import Counter
from pathlib import Path

import torch
from harness import circumstances, write_table

import bert_inspect
from bert_inspect.api import load
from bert_inspect.capture.notes import Keep
from bert_inspect.capture.tracer import tracing
from bert_inspect.selection import Selection

HERE = Path(__file__).parent
OWN = str(Path(bert_inspect.__file__).parent)
RUNS = 20
WHAT = {
    "tracer.py": "tracer.py: notes of steps, numbering tensors, shapes",
    "arguments.py": "arguments.py: what an op was given",
    "source.py": "source.py: the line of source",
    "flops.py": "flops.py: floating point operations",
    "summarize.py": "summarize.py: names of dtypes",
    "torch": "torch calling hooks and function mode, and registering them",
}


def main() -> None:
    """Profile, print, and write the table into README.md."""
    model, tokenizer = load("bert-base-cased", weights="random")
    batch = dict(tokenizer(["I love cats!", "He hates pineapple pizza."], padding=True, return_tensors="pt"))
    modules = dict(model.named_modules())

    def traced() -> None:
        with torch.inference_mode(), tracing(modules, selection=Selection(), keep=Keep()):
            model(**batch)

    traced()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(RUNS):
        traced()
    profile.disable()
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file.startswith(OWN):
            spent[Path(file).name] += own
        elif any(part in file for part in ("torch/nn/modules/module.py", "torch/overrides.py", "torch/utils/hooks.py")):
            spent["torch"] += own
    total = sum(spent.values())
    lines = ["| where | share of what tracing adds |", "| --- | --- |"]
    lines += [
        f"| {WHAT.get(name, name)} | {own / total:.0%} |" for name, own in spent.most_common() if own > total / 100
    ]
    print("\n".join(lines))
    write_table(HERE / "README.md", "profile", [f"By cProfile, {RUNS} runs. {circumstances()}", "", *lines])


if __name__ == "__main__":
    main()
