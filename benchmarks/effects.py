"""What ablations and patches cost: each edit in turn, in plain forwards of the same model over the same sentence.

``python benchmarks/effects.py --write`` makes the table; it takes about two minutes.
"""

import argparse
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from harness import circumstances, paired, seconds, write_table
from word_scores import encoded

from bert_inspect.analysis.effects.ablate import ablate
from bert_inspect.analysis.effects.asked import Asked
from bert_inspect.analysis.effects.importance import steepness
from bert_inspect.analysis.effects.patch import patch
from bert_inspect.analysis.effects.patch_asked import PatchAsked
from bert_inspect.analysis.effects.watched import watched
from bert_inspect.analysis.explain.wanted import Wanted
from bert_inspect.api import load
from bert_inspect.capture.editing.run import run_edited
from bert_inspect.capture.model_inputs import model_inputs
from bert_inspect.capture.outputs.returned import returned_tensors
from bert_inspect.capture.undisturbed import without_gradients
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input

HERE = Path(__file__).parent
AT_MOST = 40.0
CLEAN, CORRUPT = "I really love small cats so.", "I really hate small cats so."
"""Of nine tokens each."""
FORWARDS = 10
"""One forward is too short to be timed by itself."""


def works(loaded: Loaded, one: Input, two: Input) -> dict[str, tuple[int, float | None, Callable[[], object]]]:
    """Return what is measured: how many edits each makes, what it may cost, and the work."""
    heads, states = loaded.layers * loaded.sizes["heads"], (loaded.layers + 1) * len(one.tokens[0])

    number = watched(loaded, one, returned_tensors(loaded.head, run_edited(loaded, one, {})), Wanted())

    def ablated(asked: Asked) -> Callable[[], object]:
        return lambda: ablate(loaded, one, asked=asked)

    def patched(asked: PatchAsked) -> Callable[[], object]:
        return lambda: patch(loaded, two, asked=asked)

    return {
        "`ablate`, all heads": (heads, AT_MOST, ablated(Asked())),
        "the importance of all heads": (heads, None, lambda: steepness(loaded, one, number)),
        "`ablate --how mean`, all heads": (heads, None, ablated(Asked(how="mean"))),
        "`ablate --each layer`": (loaded.layers, None, ablated(Asked(each="layer"))),
        "`patch`, all hidden states": (states, None, patched(PatchAsked())),
        "`patch --each head`": (heads, None, patched(PatchAsked(each="head"))),
    }


def costs(*, pairs: int) -> Iterator[str]:
    """Yield the table."""
    torch.set_num_threads(1)
    model, tokenizer = load("bert-base-uncased", weights="random")
    loaded = Loaded(
        model=model, name="", source="python", weights="random", initialised=(), seed=0, tokenizer=tokenizer
    )
    one, two = (encoded(loaded, texts) for texts in ([CLEAN], [CLEAN, CORRUPT]))
    inputs, count = model_inputs(loaded, one, labels=False), len(one.tokens[0])

    def forwards() -> None:
        with without_gradients(model):
            for _ in range(FORWARDS):
                model(**inputs)

    yield f"bert-base-uncased at random, {count} tokens; one thread; median of {pairs} pairs. {circumstances()}"
    yield ""
    yield "| each in turn | edits | plain forwards | at most |"
    yield "| --- | --- | --- | --- |"
    for name, (edits, at_most, work) in works(loaded, one, two).items():
        found = FORWARDS * paired(lambda: seconds(work), lambda: seconds(forwards), pairs=pairs)  # noqa: B023
        held, missed = ("", False) if at_most is None else (f"{at_most:g}", found > at_most)
        yield f"| {name} | {edits} | {found:.1f}{' (missed)' if missed else ''} | {held} |"


def main() -> None:
    """Measure, print the table and, if wanted, write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--write", action="store_true", help="write the table into README.md")
    asked = parser.parse_args()
    lines = []
    for line in costs(pairs=asked.pairs):
        print(line, flush=True)
        lines.append(line)
    if asked.write:
        write_table(HERE / "README.md", "effects", lines)


if __name__ == "__main__":
    main()
