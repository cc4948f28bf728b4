"""Whatever stands in a checkpoint's files: it runs, or it is refused in two lines; nothing else ever happens."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bert_inspect.__main__ import run

texts = st.sampled_from(["", "a", "gelu", "float16", "\ud800", "\0", "[CLS]", "$A", "a b:1", "x" * 5000, "\x1b[2J"])
numbers = st.sampled_from([0, 1, -1, 2, 3, 31, 32, 33, 2**31, 2**63, 2**64, 10**30, 1.5, -0.0, 1e308])
odd = st.sampled_from([float("nan"), float("inf"), True, False, None, [], {}, {"content": ""}, {"0": "a"}, [None]])
anything = st.recursive(
    texts | numbers | odd, lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts, inner)
)

KEYS = {
    "config.json": ["is_decoder", "add_cross_attention", "num_labels", "torch_dtype", "problem_type", "id2label"],
    "tokenizer_config.json": ["added_tokens_decoder", "extra_special_tokens", "max_len", "padding_side", "bos_token"],
    "tokenizer.json": ["padding", "truncation"],
}
KEYS["config.json"] += ["classifier_dropout", "chunk_size_feed_forward", "quantization_config", "auto_map"]
KEYS["tokenizer_config.json"] += ["strip_accents", "split_special_tokens", "clean_up_tokenization_spaces"]


def places(thing: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    pairs = thing.items() if isinstance(thing, dict) else enumerate(thing) if isinstance(thing, list) else ()
    return [*([path] if path else []), *(inner for key, item in pairs for inner in places(item, (*path, key)))]


@pytest.mark.slow
@settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_a_changed_checkpoint_runs_or_is_refused(
    copy: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject
) -> None:
    file = copy / data.draw(st.sampled_from(sorted(KEYS)))
    held = file.read_bytes()
    changed = json.loads(held)
    found = places(changed) + [(key,) for key in KEYS[file.name]]
    for path in data.draw(st.lists(st.sampled_from(found), min_size=1, max_size=3)):
        inside = changed
        for key in path[:-1]:
            inside = inside[key] if isinstance(inside, dict) and key in inside else None
        if isinstance(inside, dict):
            inside[path[-1]] = data.draw(anything)
    file.write_text(json.dumps(changed))
    try:
        shown = data.draw(st.sampled_from([[], ["--json"]]))
        code = run(["run", "i love \0cats!", "--model", str(copy), "--weights", "random", *shown])
    finally:
        file.write_bytes(held)
    captured = capsys.readouterr()
    lines = captured.err.splitlines()
    assert code in (0, 1, 2, 3) and "Traceback" not in captured.err and "unexpected failure" not in captured.err
    assert (code in (0, 1)) == bool(captured.out) and "\x1b" not in captured.out + captured.err
    assert code == 0 or sum(line.startswith("error: ") for line in lines) == 1
    assert code in (0, 1) or lines[-1].startswith("hint: ")
