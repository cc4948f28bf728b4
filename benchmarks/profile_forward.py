"""Where the time of a traced forward of two short sentences goes, by file; part of ``make bench``."""

import cProfile
import pstats
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import torch
from harness import circumstances, write_table

import bert_inspect
from bert_inspect.api import load
from bert_inspect.capture.keep import TraceSpec
from bert_inspect.capture.tracing.tracer import observe
from bert_inspect.families.bert import BERT

HERE = Path(__file__).parent
OWN = str(Path(bert_inspect.__file__).parent)
RUNS = 20
WHAT = {
    "module_calls.py": "module_calls.py: calls of modules, events on the tape",
    "function_mode.py": "function_mode.py: ops, events on the tape",
    "tensor_registry.py": "tensor_registry.py: looking at tensors, their shapes and types",
    "hooks.py": "hooks.py: wrapping forwards, and taking the wrappers off",
    "call_site.py": "call_site.py: the place in the source, behind wrappers",
    "torch": "torch calling the function mode",
}


def profiled(work: Callable[[], None]) -> Counter[str]:
    """Return the seconds of Python code in each file of ours, and in torch's that call modules and function modes."""
    work()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(RUNS):
        work()
    profile.disable()
    spent: Counter[str] = Counter()
    for (file, _, _), (_, _, own, _, _) in pstats.Stats(profile).stats.items():  # type: ignore[attr-defined]
        if file.startswith(OWN):
            spent[Path(file).name] += own
        elif any(part in file for part in ("torch/nn/modules/module.py", "torch/overrides.py")):
            spent["torch"] += own
    return spent


def main() -> None:
    """Profile, print, and write the table into README.md."""
    model, tokenizer = load("bert-base-cased", weights="random")
    batch = dict(tokenizer(["I love cats!", "He hates pineapple pizza."], padding=True, return_tensors="pt"))
    modules = dict(model.named_modules())

    def plain() -> None:
        with torch.inference_mode():
            model(**batch)

    def traced() -> None:
        with torch.inference_mode():
            observe(lambda: model(**batch), modules, BERT, specs=[TraceSpec()])

    spent = profiled(traced)
    spent.subtract(profiled(plain))
    spent = +spent  # what the plain forward takes too cancels out, but for noise
    total = sum(spent.values())
    lines = ["| where | share of what tracing adds |", "| --- | --- |"]
    lines += [
        f"| {WHAT.get(name, name)} | {own / total:.0%} |" for name, own in spent.most_common() if own > total / 100
    ]
    print("\n".join(lines))
    write_table(HERE / "README.md", "profile", [f"By cProfile, {RUNS} runs. {circumstances()}", "", *lines])


if __name__ == "__main__":
    main()
