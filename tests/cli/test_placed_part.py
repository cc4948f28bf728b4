"""`report --profile`: where a sentence lies in a corpus stands in the page, or it is said why it cannot."""

import json
import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from bert_inspect.profiles.profile_file import load_profile, profile_json

Command = Callable[..., tuple[int, str, str]]
LINES = [
    {"text": text, "label": label}
    for text, label in (("I love cats!", 1), ("He hates pineapple pizza.", 0), ("cats love cats", 1), ("no pizza", 0))
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("corpus")
    (found / "<b>.jsonl").write_text("\n".join(map(json.dumps, LINES)))
    return found


@pytest.fixture
def profile(command: Command, folder: Path, checkpoint: Path) -> Path:
    file = folder / "p.json"
    if not file.is_file():
        assert command("profile", "--input", folder / "<b>.jsonl", "--model", checkpoint, "-o", file)[0] == 0
    return file


@pytest.fixture
def report(command: Command, checkpoint: Path) -> Command:
    return lambda *given: command("report", *given, "--model", checkpoint, "-o", "-")


def section_of(html: str) -> str:
    return html.partition('<section id="corpus"')[2].partition("</section>")[0]


@pytest.mark.slow
def test_the_page_says_where_the_sentence_lies(report: Command, profile: Path) -> None:
    code, html, _ = report("<script> vile שלום 🐈", "--profile", profile)
    section = section_of(html)
    held = load_profile(profile)
    assert code == 0 and '<a href="#corpus">Corpus</a>' in html and "&lt;b&gt;.jsonl: 4 sentences" in section
    assert f"{held.input.tokens} tokens" in section and "<script>" not in section and "<b>" not in section
    beyond = re.search(r"Of (\d+) tensors, (\d+) go beyond", section)
    assert beyond is not None and 0 < int(beyond[2]) <= int(beyond[1])
    # Each of two ends is passed by one of five sentences in five.
    assert f"at most {math.ceil(2 * int(beyond[1]) / 5)} would on average" in section
    assert section.count('class="out"') >= 2 and "deviations from mean" in section
    assert "layer 1, head" in section and re.search(r"Answer: LABEL_\d", section)
    answered = next(one for one in held.answers.bins if one.count) if held.answers else None
    assert answered is not None and f"were right in {answered.right} of {answered.count} labelled sentences" in section
    assert 'id="corpus"' not in report("cats")[1]


def test_a_sentence_of_the_corpus_is_inside(report: Command, profile: Path) -> None:
    section = section_of(report(LINES[1]["text"], "--profile", profile)[1])
    assert "none goes beyond" in section and 'class="out"' not in section and "warn" not in section


def test_filters_narrow_what_is_told(report: Command, profile: Path) -> None:
    section = section_of(report("vile", "--layer", "1", "--profile", profile)[1])
    assert "layer 1, head" in section and "layer 0" not in section and "embeddings" not in section


def test_a_part_of_a_corpus_is_said_to_be_one(report: Command, profile: Path, tmp_path: Path) -> None:
    from msgspec import structs

    whole = load_profile(profile)
    part = tmp_path / "part.json"
    part.write_bytes(profile_json(structs.replace(whole, input=structs.replace(whole.input, blocks=3))))
    section = section_of(report("cats", "--profile", part)[1])
    assert "Only 1 of 3 blocks of the corpus is in this profile: blocks 1-2 are missing." in section


@pytest.mark.parametrize(
    ("given", "code", "said", "then"),
    [
        (["--trace", "t.json"], 2, "a saved trace holds no weights", "give the sentences in place of --trace"),
        (["cats", "--ablate", "layer.0"], 2, "--ablate changes it", "leave one of the two out"),
        (["cats", "--weights", "none"], 2, "without weights there are no numbers", "leave --weights none out"),
        (
            ["cats", "--weights", "random"],
            2,
            "the profile is of another model: ",
            "profile the corpus with this very model",
        ),
        (["cats", "--task", "feature-extraction"], 2, "whose class is", "profile the corpus with this very model"),
        (["cats", "--attention", "sdpa"], 2, "made with eager attention", "give the same: --attention eager"),
    ],
)
def test_what_cannot_be_held_against_the_corpus_is_refused(
    report: Command, profile: Path, given: list[str], code: int, said: str, then: str
) -> None:
    found, out, err = report(*given, "--profile", profile)
    *_, error, hint = err.splitlines()
    assert (found, out) == (code, "") and error.startswith("error: ") and said in error and then in hint


def test_damaged_profiles_are_4(report: Command, profile: Path, tmp_path: Path) -> None:
    file = tmp_path / "damaged.json"
    file.write_bytes(profile.read_bytes().replace(b'"sentences":4', b'"sentences":5'))
    for each in (file, tmp_path / "nowhere.json"):
        code, out, err = report("cats", "--profile", each)
        assert (code, out) == (4, "") and err.startswith("error: ") and err.count("\n") == 2
