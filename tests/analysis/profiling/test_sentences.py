"""``profile()`` in Python, against the blocks that it is made of."""

import json
from pathlib import Path
from typing import Any

import pytest
from analysis.profiling.corpus_of import TEXTS
from analysis.profiling.test_profiler import small

import bert_inspect
from bert_inspect import Profile, profile
from bert_inspect.corpus.blocks import survey
from bert_inspect.corpus.files import sources
from bert_inspect.errors import UsageError
from bert_inspect.profiles.record import Numbers


@pytest.fixture(scope="module")
def pair() -> tuple[Any, Any]:
    return small("bert")


def numbers(found: Profile) -> list[Numbers | None]:
    return [output.numbers for step in found.steps for output in step.outputs]


def test_sentences_and_a_file_of_them_give_the_same_numbers(pair: tuple[Any, Any], tmp_path: Path) -> None:
    loaded, tokenizer = pair
    labels = [0, 1, 0, 1, 0, 1]
    found = profile(loaded.model, tokenizer, TEXTS, labels=labels, batch_size=2, examples=2)
    file = tmp_path / "corpus.jsonl"
    lines = [{"text": text, "label": label} for text, label in zip(TEXTS, labels, strict=True)]
    file.write_text("".join(json.dumps(line) + "\n" for line in lines))
    of_file = profile(loaded.model, tokenizer, files=file, batch_size=2, examples=2)
    assert numbers(found) == numbers(of_file) and found.answers == of_file.answers and found.heads == of_file.heads
    assert (found.input.files, of_file.input.files) == ([], ["corpus.jsonl"])
    assert found.input.digests == of_file.input.digests and found.input.sentences == len(TEXTS)
    assert found.input.digest == of_file.input.digest == survey(sources([str(file)]), size=32).digest


def test_a_profile_saves_loads_and_shows_itself(pair: tuple[Any, Any], tmp_path: Path) -> None:
    loaded, tokenizer = pair
    found = bert_inspect.profile(loaded.model, tokenizer, TEXTS, layer=1, level="module")
    found.save(tmp_path / "profile.json")
    assert Profile.load(tmp_path / "profile.json").json() == found.json() == (tmp_path / "profile.json").read_bytes()
    assert found.selection == {"layer": "1", "level": "module"}
    assert "6 sentences" in repr(found) and found._repr_mimebundle_()["text/html"]


def test_sentences_may_come_one_by_one(pair: tuple[Any, Any]) -> None:
    loaded, tokenizer = pair
    found = profile(loaded.model, tokenizer, iter(TEXTS), labels=iter([0] * len(TEXTS)))  # type: ignore[arg-type]
    assert found.input.sentences == len(TEXTS) and found.answers is not None and found.answers.labelled == len(TEXTS)


def test_pairs_are_profiled_as_pairs(pair: tuple[Any, Any]) -> None:
    loaded, tokenizer = pair
    found = profile(loaded.model, tokenizer, TEXTS[:2], pairs=["cats", "a film"])
    wanted = sum(map(len, tokenizer(TEXTS[:2], ["cats", "a film"])["input_ids"]))
    assert found.input.tokens == wanted


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "a corpus is sentences or files"),
        ({"texts": TEXTS, "files": "corpus.txt"}, "a corpus is sentences or files"),
        ({"texts": []}, "there is no sentence"),
        ({"texts": TEXTS, "labels": [1]}, "6 sentences but 1 labels"),
        ({"files": "nowhere.txt"}, "nowhere.txt"),
        ({"files": "corpus.txt", "labels": [1]}, "of a file stand in it"),
        ({"texts": TEXTS, "batch_size": 0}, "at least one sentence"),
        ({"texts": TEXTS, "batch_tokens": 0}, "at least one token"),
        ({"texts": TEXTS, "examples": 101}, "0 to 100 examples"),
        ({"texts": ["cats", "a \ud800 b"]}, "line 2 of the sentences is not valid UTF-8 text"),
        ({"texts": ["a " * 200]}, "line 1 of the sentences has 202 tokens"),
    ],
)
def test_what_is_no_corpus_is_refused(pair: tuple[Any, Any], given: dict[str, Any], message: str) -> None:
    loaded, tokenizer = pair
    with pytest.raises(UsageError, match=message):
        profile(loaded.model, tokenizer, **given)
