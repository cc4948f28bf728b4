"""Profiles that were changed by hand, their checksums made to fit."""

import json
from typing import Any

import pytest
from profiles.made import Answer, Made

from bert_inspect.errors import TraceFileError
from bert_inspect.profiles.coverage import missing
from bert_inspect.profiles.profile_file import decode_profile, profile_json
from bert_inspect.profiles.record import Profile
from bert_inspect.traces.codec import decoder

ANSWERS = [Answer(index=one % 2, probability=0.55, label=one % 2) for one in range(4)]


@pytest.fixture(scope="module")
def right() -> Any:
    made = Made(layers=1, width=4, count=10, examples=2, answers=ANSWERS)
    return json.loads(profile_json(made.profile()))


def signed(changed: Any) -> bytes:
    """A changed profile with the checksum that it would have."""
    return profile_json(decoder(Profile).decode(json.dumps(changed)))


HUGE = 10**15
CHANGES: list[tuple[str, list[Any], Any]] = [
    ("blocks by the billion", ["input", "done"], [[0, HUGE]]),
    ("a block twice", ["input", "done"], [[0, 0], [0, 0]]),
    ("a sum of many bits", ["steps", 0, "outputs", 0, "dimensions", "total"], f"{HUGE}:1 1 1 1"),
    ("means of fewer dimensions", ["steps", 0, "outputs", 0, "dimensions", "mean"], [1]),
    ("more zeros than tokens", ["steps", 0, "outputs", 0, "dimensions", "zeros"], [0, 0, 11, 0]),
    ("an example that is NaN", ["steps", 1, "outputs", 0, "dimensions", "examples", 0, 0, "value"], "NaN"),
    ("more examples than are ever kept", ["examples"], HUGE),
    ("a sentence beyond all", ["steps", 1, "outputs", 0, "dimensions", "examples", 0, 0, "sentence"], 2**70),
    ("more numbers than counted", ["steps", 0, "outputs", 0, "numbers", "count"], 41),
    ("a count below 0", ["steps", 0, "outputs", 0, "numbers", "nan"], -1),
    ("an infinite extreme", ["steps", 0, "outputs", 0, "numbers", "max"], "Infinity"),
    ("no extreme", ["steps", 0, "outputs", 0, "numbers", "min"], None),
    ("a deviation below 0", ["steps", 0, "outputs", 0, "numbers", "std"], -1),
    ("a share of other heads", ["heads", 0, "first"], [0.5]),
    ("an infinite share", ["heads", 0, "first", 0], "Infinity"),
    ("a layer that is none", ["steps", 1, "layer"], HUGE),
    ("answers of other classes", ["answers", "counts"], [4]),
    ("labels that do not add up", ["answers", "by_label"], [[1, 0], [0, 0]]),
    ("two steps of one number", ["steps", 1, "id"], 0),
    ("other hidden states", ["steps", 1, "outputs", 0, "known_as"], ["hidden_states[7]"]),
]


@pytest.mark.parametrize(("path", "value"), [pytest.param(*each[1:], id=each[0]) for each in CHANGES])
def test_what_no_run_can_have_written_is_damaged(right: Any, path: list[Any], value: Any) -> None:
    changed = json.loads(json.dumps(right))
    inside = changed
    for key in path[:-1]:
        inside = inside[key]
    inside[path[-1]] = value
    with pytest.raises(TraceFileError, match="the profile is damaged"):
        decode_profile(signed(changed))


def test_a_corpus_of_very_many_blocks_takes_no_time(right: Any) -> None:
    changed = json.loads(json.dumps(right))
    changed["input"]["blocks"] = HUGE
    assert missing(decode_profile(signed(changed)).input) == [(1, HUGE - 1)]
