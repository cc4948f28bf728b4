"""The names of the classes are those that transformers takes, and what contradicts them is told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from helpers import change, loaded, located
from transformers.models.bert.configuration_bert import BertConfig

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "named",
    [
        {"0": "no", "1": "yes"},
        {"0": 0, "1": 1},
        {"0": 0.5, "1": True},
        {"1": "no", "2": "yes"},
        {"1": "yes", "0": "no"},
        {"-1": "no", "1": "yes"},
        {"5": "a", "9": "b"},
    ],
    ids=str,
)
def test_the_names_are_those_of_transformers(copy: Path, command: Command, named: dict[str, Any]) -> None:
    change(copy / "config.json", id2label=named)
    try:
        theirs = BertConfig.from_pretrained(copy)
    except Exception:  # some releases, 5.17 say, refuse numbers in the place of names
        theirs = BertConfig(id2label={int(place): str(name) for place, name in named.items()})
    names = [str(theirs.id2label.get(place, f"LABEL_{place}")) for place in range(theirs.num_labels)]
    assert located(str(copy)).label_names() == names
    mine = loaded(str(copy)).model.config
    assert mine.id2label == {place: str(name) for place, name in theirs.id2label.items()}
    code, out, err = command("run", "x", "--model", copy, "--json")
    best = json.loads(out)["output"]["predictions"][0]
    assert code == 0 and best["label"] == names[best["index"]]
    assert ("counted from 0" in err) == (sorted(theirs.id2label) != [0, 1])


def test_names_that_are_not_counted_from_0_are_told(copy: Path, command: Command) -> None:
    change(copy / "config.json", id2label={"1": "no", "2": "yes"})
    assert command("run", "x", "--model", copy)[2].startswith(
        "copy numbers its labels from 1 to 2 in id2label, its 2 classes are counted from 0: "
    )
    out = " ".join(command("doctor", "x", "--model", copy, "--only", "labels")[1].split())
    assert "id2label names the classes from 1 to 2, the classifier has those from 0 to 1" in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 1, "yes": 0}},
            "says in label2id that no is 1, in",
        ),
        ({"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0}}, "says in label2id that yes is no class, in"),
        ({"label2id": {"no": 0, "yes": 1}}, "names its labels in label2id alone (no ...), which is not read"),
    ],
    ids=str,
)
def test_a_label2id_that_contradicts_is_told(copy: Path, command: Command, changes: dict[str, Any], said: str) -> None:
    change(copy / "config.json", **changes)
    code, out, err = command("run", "x", "--model", copy, "--json")
    (line,) = err.splitlines()
    assert code == 0 and line.startswith(f"copy {said}")
    theirs = BertConfig.from_pretrained(copy).id2label
    best = json.loads(out)["output"]["predictions"][0]
    assert best["label"] == theirs[best["index"]]
    code, out, _ = command("doctor", "x", "--model", copy, "--only", "labels")
    assert code == 1 and "label2id" in out


@pytest.mark.parametrize(
    "changes",
    [
        {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": 0, "yes": 1}},
        {"id2label": {"0": 0, "1": 1}, "label2id": {"0": 0, "1": 1}},
        {"id2label": {"0": "no", "1": "yes"}, "label2id": {"no": "0", "yes": "1"}},
        {"id2label": {"0": "no", "1": "yes"}},
        {"id2label": {"0": "same", "1": "same"}, "label2id": {"same": 1}},
        {"label2id": {"LABEL_0": 0, "LABEL_1": 1}},
    ],
    ids=str,
)
def test_labels_that_agree_are_not_told(copy: Path, command: Command, changes: dict[str, Any]) -> None:
    change(copy / "config.json", **changes)
    assert command("run", "x", "--model", copy)[2] == ""
