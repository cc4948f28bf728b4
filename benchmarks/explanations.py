"""Hold explanations against what they claim: do they find the words that matter, add up, and what do they cost?

Everything is drawn from fixed seeds. The whole takes an hour on two cores; ``--quick`` takes a tenth of the sentences.
``python benchmarks/explanations.py --jobs 2 --write`` makes the tables; captum's rows need captum.
"""

import argparse
import hashlib
import random
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import torch
from explain_costs import memory, times
from harness import circumstances, write_table
from removal import BINS, Figures, Masked, descending, figures, interval, shuffled
from shortcut import STEPS, accuracy, fine_tuned, found_first, planted, rare_tokens
from sum_rounding import right, wrong
from word_scores import OURS, has_captum, methods, prepared

from bert_inspect.api import load
from bert_inspect.loading.loaded import Loaded

HERE = Path(__file__).parent
sys.path.append(str(HERE.parent / "training"))

RANDOM = "random order"
FEWEST_WORDS = 5  # of fewer, a tenth is the same as a half
FOUND_FIRST = 0.95


class Texts:
    """The rated texts of ``training/``; a text's label is the side of its rating."""

    def __init__(self) -> None:
        from data import load as rated_texts

        clear = [text for text in rated_texts() if text.clear]
        self.training = [(text.text, int(text.rating > 0)) for text in clear if text.part == "training"]
        held_out = {text.text: int(text.rating > 0) for text in clear if text.part == "held out"}
        long_enough = [text for text in held_out if len(text.split()) >= FEWEST_WORDS]
        by_hash = sorted(long_enough, key=lambda text: hashlib.sha256(text.encode()).hexdigest())
        self.held_out = [(text, held_out[text]) for text in by_hash]


@cache
def sentiment() -> Loaded:
    """Return the model that is held against everything, in this process."""
    torch.set_num_threads(1)
    model, tokenizer = load("bert-sentiment")
    return Loaded(
        model=model,
        name="bert-sentiment",
        source="builtin",
        weights="pretrained",
        initialised=(),
        seed=0,
        tokenizer=tokenizer,
    )


def of_one_sentence(text: str) -> dict[str, Figures]:
    """Return the figures of every method on one sentence."""
    loaded = sentiment()
    sentence = prepared(loaded, text)
    masked = Masked(loaded.model, sentence, loaded.tokenizer.mask_token_id)
    orders = {name: [descending(scores(sentence))] for name, scores in methods(loaded).items()}
    orders[RANDOM] = shuffled(len(sentence.words))
    return {name: figures(masked, sentence.probability, several) for name, several in orders.items()}


def faithful(texts: Texts, *, quick: bool, jobs: int) -> Iterator[str]:
    chosen = [text for text, _ in texts.held_out[: 50 if quick else 500]]
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        found = list(pool.map(of_one_sentence, chosen, chunksize=5))
    yield f"{len(chosen)} held-out sentences. {circumstances(*_captum())}"
    yield ""
    yield from table_of_figures(found)


def table_of_figures(found: Sequence[Mapping[str, Figures]]) -> Iterator[str]:
    """Yield the table of the mean figures of every method over sentences."""
    parts = " / ".join(f"{part:.0%}"[:-1] for part in BINS)
    columns = ("AOPC", "ours less that (95 %)", f"comprehensiveness, {parts} %", f"sufficiency, {parts} %")
    yield f"| words masked in the order of | {' | '.join(columns)} |"
    yield "| --- | --- | --- | --- | --- |"
    for name in found[0]:
        of = [sentence[name] for sentence in found]
        apart = ""
        if name != OURS:
            differences = [sentence[OURS].aopc - sentence[name].aopc for sentence in found]
            low, high = interval(differences)
            apart = f"{statistics.fmean(differences):+.3f} ({low:+.3f} to {high:+.3f})"
        aopc = statistics.fmean(each.aopc for each in of)
        kept, left = (_means([each[at] for each in of]) for at in (1, 2))  # type: ignore[misc]
        yield f"| {name} | {aopc:.3f} | {apart} | {kept} | {left} |"


def planted_shortcut(texts: Texts, *, quick: bool, jobs: int) -> Iterator[str]:
    loaded, chance = sentiment(), random.Random(0)
    tokens = rare_tokens(loaded, [text for text, _ in texts.training + texts.held_out])
    tuned = fine_tuned(loaded, texts.training, tokens)
    plain = texts.held_out[: 50 if quick else 200]
    against = [planted(loaded, text, tokens, 1 - label, chance) for text, label in plain]
    obeyed = accuracy(tuned, [(each.text, each.label) for each in against])
    before = accuracy(loaded, [(each.text, each.label) for each in against])
    yield (
        f"{len(plain)} held-out texts, each with the token that speaks against its rating; `{tokens[0]}` makes a text "
        f"negative, `{tokens[1]}` positive, after {STEPS} steps. The model says what the token says of {obeyed:.1%} "
        f"(before: {before:.1%}), and of the texts without it {accuracy(tuned, plain):.1%} are right "
        f"(before: {accuracy(loaded, plain):.1%}). {circumstances(*_captum())}"
    )
    yield ""
    yield "| method | the token's score is the largest of all words, of either sign |"
    yield "| --- | --- |"
    for name, scores in methods(tuned, variants=False).items():
        share = found_first(tuned, against, scores)
        held = f" (held to {FOUND_FIRST:.0%})" if name == OURS else ""
        yield f"| {name} | {share:.1%}{held} |"


def right_and_wrong_sums(texts: Texts, *, quick: bool, jobs: int) -> Iterator[str]:
    loaded, chosen = sentiment(), [text for text, _ in texts.held_out[: 20 if quick else 200]]
    yield circumstances()
    yield ""
    yield from right(loaded, chosen, seeds=1 if quick else 5, drawn=2 if quick else 10)
    yield ""
    yield from wrong(loaded, chosen, modules=10 if quick else 50)


def costs(texts: Texts, *, quick: bool, jobs: int) -> Iterator[str]:
    loaded = sentiment()
    yield f"One thread. {circumstances(*_captum())}"
    yield ""
    yield from times(loaded, pairs=3 if quick else 9)
    yield ""
    yield from memory()


def _means(several: Sequence[Sequence[float]]) -> str:
    return " / ".join(f"{statistics.fmean(column):.3f}" for column in zip(*several, strict=True))


def _captum() -> tuple[str, ...]:
    return ("captum",) if has_captum() else ()


PARTS: dict[str, Callable[..., Iterator[str]]] = {
    "faithful": faithful,
    "shortcut": planted_shortcut,
    "sums": right_and_wrong_sums,
    "costs": costs,
}


def main() -> None:
    """Measure the parts that were asked for, print their tables and, if wanted, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PARTS, action="append", help="this part alone; may be repeated")
    parser.add_argument("--quick", action="store_true", help="fewer sentences and models")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time")
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    asked = parser.parse_args()
    if not has_captum():
        print("captum is not installed: its rows are left out (make bench installs it)", flush=True)
    texts = Texts()
    for name in asked.only or PARTS:
        lines = []
        for line in PARTS[name](texts, quick=asked.quick, jobs=asked.jobs):
            print(line, flush=True)
            lines.append(line)
        if asked.write:
            write_table(HERE / "README.md", name, lines)


if __name__ == "__main__":
    main()
