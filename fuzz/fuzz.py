"""Looks for a trace file, or a checkpoint's config.json, that makes the program stumble.

    make fuzz                     for a minute
    make fuzz FUZZ_SECONDS=600    for ten
    python fuzz/fuzz.py config    files of one kind alone: trace or config
    python fuzz/fuzz.py FILE      one file again, as it was found

Every file is a good one that was changed: values replaced, moved, doubled, removed, or bytes torn out and put in. It is
refused with an error of ours, or it is shown; anything else is a find. A find is made as small as can be, written down
under fuzz/found, and ends the run with exit code 1.
"""

import contextlib
import hashlib
import io
import json
import logging
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

os.environ["HF_HUB_OFFLINE"] = "1"
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "tests"))

from hostile import as_json, changed, places, shown, torn  # noqa: E402
from hypothesis import HealthCheck, Phase, Verbosity, given, seed, settings  # noqa: E402
from hypothesis import strategies as st  # noqa: E402

from bert_inspect import Trace  # noqa: E402
from bert_inspect.capture.components import components  # noqa: E402
from bert_inspect.capture.encode import Sentences, encode, token_limit  # noqa: E402
from bert_inspect.capture.forward import run_forward  # noqa: E402
from bert_inspect.capture.keep import Keep  # noqa: E402
from bert_inspect.errors import BertInspectError  # noqa: E402
from bert_inspect.loading.locate import locate  # noqa: E402
from bert_inspect.loading.model import load  # noqa: E402
from bert_inspect.loading.spec import ModelSpec  # noqa: E402
from bert_inspect.loading.tokenizer import load_tokenizer  # noqa: E402
from bert_inspect.safetext import is_unsafe  # noqa: E402
from bert_inspect.traces.finished import finished_line  # noqa: E402
from bert_inspect.traces.selection import Selection  # noqa: E402

PATIENCE = 30
"""Seconds that one file may take; one that takes longer is a find."""
MEMORY = 8_000_000_000
"""Bytes that the process may take; a file that takes more is a find."""
ROUND = 100
"""Files between two looks at the clock."""

SAVED = (HERE.parent / "tests" / "render" / "golden" / "trace.json").read_bytes()
CONFIG: dict[str, Any] = {
    "architectures": ["BertForSequenceClassification"],
    "attention_probs_dropout_prob": 0.1,
    "attn_implementation": "eager",
    "auto_map": {"AutoModel": "modeling.Model"},
    "chunk_size_feed_forward": 0,
    "classifier_dropout": None,
    "dtype": "float32",
    "hidden_act": "gelu",
    "hidden_dropout_prob": 0.1,
    "hidden_size": 32,
    "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
    "initializer_range": 0.02,
    "intermediate_size": 64,
    "is_decoder": False,
    "label2id": {"LABEL_0": 0, "LABEL_1": 1},
    "layer_norm_eps": 1e-12,
    "max_position_embeddings": 64,
    "model_type": "bert",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_labels": 2,
    "output_attentions": False,
    "pad_token_id": 0,
    "position_embedding_type": "absolute",
    "problem_type": "single_label_classification",
    "quantization_config": {"quant_method": "bitsandbytes", "load_in_8bit": True},
    "tie_word_embeddings": True,
    "torch_dtype": "float32",
    "transformers_version": "5.3.0",
    "type_vocab_size": 2,
    "use_cache": True,
    "vocab_size": 28996,
}
tally: Counter[str] = Counter()


class TooSlow(BaseException):
    """One file took longer than it may; not an Exception, so that nothing on the way takes it for its own."""


def try_trace(text: bytes) -> None:
    """Read a trace file and do with it all that can be done."""
    with contextlib.suppress(BertInspectError):
        finished_line(text, name="line 1")
    shown(Trace.from_json(text))


def try_config(text: bytes) -> None:
    """Read a checkpoint's configuration, build the model of it, as shapes alone, and run it."""
    logged = io.StringIO()
    for handler in logging.getLogger("transformers").handlers:
        handler.setStream(logged)  # type: ignore[attr-defined]
    try:
        run_config(text)
    finally:
        assert not {sign for sign in logged.getvalue() if is_unsafe(sign)} - {"\n"}, ascii(logged.getvalue())


def run_config(text: bytes) -> None:
    """Do what the commands do with a checkpoint without weights."""
    (folder() / "config.json").write_bytes(text)
    spec = ModelSpec(name=str(folder()), weights="none")
    checkpoint = locate(spec)
    loaded = load(checkpoint, spec)
    components(loaded)
    tokenizer = load_tokenizer(checkpoint)
    batch = encode(
        tokenizer,
        Sentences(texts=["I love cats!"]),
        limit=token_limit(tokenizer, checkpoint.positions, None),
        truncate=True,
    )
    trace, _ = run_forward(loaded, batch, selection=Selection(), keep=Keep())
    shown(Trace.from_json(b"".join(trace.json())))


def folder(made: list[Path] = []) -> Path:  # noqa: B006 - it is made once
    """Return the checkpoint's folder, with a tokenizer in it."""
    if not made:
        made.append(Path(tempfile.mkdtemp(prefix="bert-inspect-fuzz-")))
        load_tokenizer(locate(ModelSpec(name="bert-base-cased", weights="none"))).save_pretrained(made[0])
    return made[0]


TRIES: dict[str, tuple[Callable[[bytes], None], st.SearchStrategy[bytes]]] = {
    "trace": (
        try_trace,
        changed(json.loads(SAVED), places(json.loads(SAVED))).map(as_json) | torn(SAVED),
    ),
    "config": (
        try_config,
        changed(CONFIG, places(CONFIG)).map(as_json)
        | changed(CONFIG, places(CONFIG)).map(as_json)
        | torn(as_json(CONFIG)),
    ),
}


def one(kind: str, text: bytes) -> None:
    """Try one file, within the time that it may take; what is not an error of ours goes through."""

    def late(number: int, frame: FrameType | None) -> None:
        raise TooSlow(f"it took longer than {PATIENCE} seconds")

    signal.signal(signal.SIGALRM, late)
    signal.alarm(PATIENCE)
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            TRIES[kind][0](text)
        tally[f"{kind} shown"] += 1
    except BertInspectError:
        tally[f"{kind} refused"] += 1
    finally:
        signal.alarm(0)


def hunt(kind: str, number: int, until: float) -> bytes | None:
    """Try a round of files; return the smallest one that was not stood, None if all were."""
    last = b""

    @seed(number)
    @settings(
        max_examples=ROUND,
        deadline=None,
        database=None,
        phases=[Phase.generate, Phase.shrink],
        verbosity=Verbosity.quiet,
        suppress_health_check=list(HealthCheck),
    )
    @given(TRIES[kind][1])
    def round_(text: bytes) -> None:
        nonlocal last
        if time.monotonic() < until:
            last = text
            one(kind, text)

    try:
        round_()
    except (Exception, TooSlow):
        traceback.print_exc()
        return last
    return None


def main() -> int:
    """Hunt until the time is over, or try one file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    kinds = [name for name in sys.argv[1:] if name in TRIES] or [
        "trace",
        "config",
        "trace",
    ]  # traces are quicker to try
    for file in map(Path, sys.argv[1:]):
        if file.name not in TRIES:
            one("config" if file.name.startswith("config") else "trace", file.read_bytes())
            print(f"{file}: {', '.join(tally)}")
            return 0
    seconds = float(os.environ.get("FUZZ_SECONDS", "60"))
    start = random.SystemRandom().randrange(10**9)
    print(f"fuzzing for {seconds:g} seconds from seed {start}", flush=True)
    until = time.monotonic() + seconds
    number = start
    try:
        while time.monotonic() < until:
            kind = kinds[number % len(kinds)]
            found = hunt(kind, number, until)
            if found is not None:
                (HERE / "found").mkdir(exist_ok=True)
                file = HERE / "found" / f"{kind}-{hashlib.sha256(found).hexdigest()[:8]}.json"
                file.write_bytes(found)
                print(f"\nfound: python {Path(__file__).relative_to(Path.cwd())} {file.relative_to(Path.cwd())}")
                return 1
            number += 1
    finally:
        shutil.rmtree(folder(), ignore_errors=True)
        print("tried " + ", ".join(f"{count:,} ({what})" for what, count in sorted(tally.items())), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
