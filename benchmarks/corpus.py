"""How fast ``profile`` is beside a plain forward loop over the same batches, whether its memory stays flat, and what a
million lines come to by that.

``python benchmarks/corpus.py --write`` makes the tables; it takes about a quarter of an hour. ``--sentences 1000`` is a
quick look.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import torch
from harness import circumstances, paired, seconds, write_table
from transformers.models.bert.configuration_bert import BertConfig
from transformers.models.bert.modeling_bert import BertForSequenceClassification

from bert_inspect.analysis.profiling.profiler import Profiler
from bert_inspect.analysis.profiling.shard import BATCHES_PER_BLOCK
from bert_inspect.api import load
from bert_inspect.capture.batches import batches
from bert_inspect.corpus.blocks import blocks, digest
from bert_inspect.corpus.line import Line
from bert_inspect.loading.loaded import Loaded
from bert_inspect.profiles.coverage import corpus_of
from bert_inspect.profiles.profile_file import decode_profile, profile_json
from bert_inspect.profiles.total import Total
from bert_inspect.ready import ready
from bert_inspect.render.words import plural
from bert_inspect.traces.selection import Selection

HERE = Path(__file__).parent
AT_LEAST = 0.85
BATCH = 64
MACHINES, SHARDS = 8, 64
MODELS: dict[str, tuple[dict[str, int], int]] = {
    "tiny: 2 layers of 128": (
        {"hidden_size": 128, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 512},
        1,
    ),
    "small: 6 layers of 384": (
        {"hidden_size": 384, "num_hidden_layers": 6, "num_attention_heads": 12, "intermediate_size": 1536},
        5,
    ),
    "base: 12 layers of 768": ({}, 20),
}
"""Each with what part of the sentences it is measured on, as a base model would take an hour over all of them."""
LINES = 1_000_000
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024)
"""


def corpus(tokenizer: Any, sentences: int) -> list[Line]:
    """Return sentences of 4 to 24 words, drawn from the vocabulary."""
    drawn = random.Random(0)
    words = sorted(word for word in tokenizer.get_vocab() if word.isalpha() and len(word) > 2)
    return [
        Line(number=number, text=" ".join(drawn.choices(words, k=drawn.randint(4, 24))))
        for number in range(1, sentences + 1)
    ]


def of_width(settings: dict[str, int]) -> tuple[Loaded, Any]:
    """Return a model of these sizes, drawn at random, with a tokenizer."""
    _, tokenizer = load("bert-sentiment")
    torch.manual_seed(0)
    config = BertConfig(vocab_size=len(tokenizer), attn_implementation="eager", **settings)
    model, loaded = ready(BertForSequenceClassification(config).eval(), tokenizer)
    return replace(loaded, model=model), tokenizer


def profiled(made: Profiler, total: Total, parts: Sequence[tuple[int, list[Line]]]) -> None:
    """Profile all blocks."""
    total.coverage.digests.clear()
    made.add_each(total, parts)


def plain(loaded: Loaded, tokenizer: Any, parts: Sequence[tuple[int, list[Line]]]) -> None:
    """What one would write: tokenize the same batches and run the model over them, without a gradient."""
    with torch.inference_mode():
        for _, lines in parts:
            for batch in batches(lines, tokenizer, size=BATCH):
                texts = [line.text for line in batch]
                loaded.model(**tokenizer(texts, padding=True, return_tensors="pt"))


def begun(made: Profiler, parts: Sequence[Any]) -> Total:
    """Return a profile of nothing."""
    digests, size = [digest(lines) for _, lines in parts], BATCH * BATCHES_PER_BLOCK
    corpus = corpus_of(
        [], digests, lines_per_block=size, batch_size=BATCH, batch_tokens=None, limit=512, truncate=False
    )
    return made.begin(corpus)


class Speed(NamedTuple):
    """Throughput beside the plain loop's, without and with examples; sentences a second; seconds to read the profile of
    a shard and add it to another.
    """

    ratio: float
    with_examples: float
    rate: float
    merging: float


def speed(settings: dict[str, int], sentences: int, *, pairs: int) -> Speed:
    """Measure a model of these sizes over so many sentences."""
    loaded, tokenizer = of_width(settings)
    parts = [*blocks(corpus(tokenizer, sentences), BATCH * BATCHES_PER_BLOCK)]
    ratios, took = [], []
    for examples in (0, 5):
        made = Profiler(
            loaded, tokenizer, selection=Selection(), batch_size=BATCH, limit=512, truncate=False, examples=examples
        )
        total = begun(made, parts)

        def work(made: Profiler = made, total: Total = total) -> float:
            took.append(seconds(lambda: profiled(made, total, parts)))
            return took[-1]

        ratios.append(1 / paired(work, lambda: seconds(lambda: plain(loaded, tokenizer, parts)), pairs=pairs))
        if not examples:
            rate, saved = sentences / statistics.median(took[1:]), profile_json(total.record())
    merging = seconds(lambda: (Total.read(decode_profile(saved)), begun(made, parts)))
    return Speed(*ratios, rate, merging)


def memory(lines: Sequence[int]) -> Iterator[tuple[int, float]]:
    """Yield numbers of lines with the peak memory of the command over so many, in MiB."""
    for count in lines:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "corpus.txt"
            file.write_text("".join(f"{number} cats, and the film was good\n" for number in range(count)))
            command = [sys.executable, "-m", "bert_inspect", "profile", "--input", str(file), "--quiet"]
            command += ["--model", "bert-tiny", "--weights", "random", "--batch-size", "64"]
            command += ["-o", str(Path(folder) / "profile.json")]
            # A process begins with the memory of the one that starts it, which is to be small.
            found = subprocess.run([sys.executable, "-c", PEAK, *command], check=True, capture_output=True, text=True)
            yield count, float(found.stdout)


def table(sentences: int, *, pairs: int) -> Iterator[str]:
    """Yield the table of speeds, and what a million lines come to."""
    yield "| model | beside the plain loop | with `--examples` | a million lines here | on 8 such machines, 64 shards |"
    yield "| --- | --- | --- | --- | --- |"
    for name, (settings, share) in MODELS.items():
        found = speed(settings, max(sentences // share, 1), pairs=pairs)
        alone = LINES / found.rate
        # Each machine runs an eighth; one reads and adds up the shards. Starting up is seconds.
        together = alone / MACHINES + SHARDS * found.merging
        yield (
            f"| {name} | {found.ratio:.2f}{' (missed)' if found.ratio < AT_LEAST else ''} | {found.with_examples:.2f} "
            f"| {plural(round(alone / 60), 'minute')} | {plural(round(together / 60), 'minute')} |"
        )


def main() -> None:
    """Measure, print the tables and, if wanted, write them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--write", action="store_true", help="write the tables into README.md")
    parser.add_argument("--sentences", type=int, default=10_000, help="of the smallest model; the others run fewer")
    parser.add_argument("--pairs", type=int, default=3, help="how often each is measured")
    parser.add_argument("--lines", type=int, default=100_000, help="the most lines of which the memory is measured")
    parser.add_argument("--threads", type=int, help="torch's threads; as many as there are cores, if not given")
    asked = parser.parse_args()
    if asked.threads is not None:
        torch.set_num_threads(asked.threads)
    said = f"{circumstances('numba')} At least {AT_LEAST:g} of the plain loop is wanted."
    lines = [said, "", *table(asked.sentences, pairs=asked.pairs), "", "| corpus | peak memory |", "| --- | --- |"]
    lines += [f"| {count:,} lines | {peak:.0f} MiB |" for count, peak in memory([asked.lines // 10, asked.lines])]
    print("\n".join(lines))
    if asked.write:
        write_table(HERE / "README.md", "corpus", lines)


if __name__ == "__main__":
    main()
