"""Layer specs and path patterns."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bert_inspect.errors import UsageError
from bert_inspect.families.bert import BERT
from bert_inspect.traces.matching import matches, matching, near_paths
from bert_inspect.traces.selection import Selection, parse_layers


@pytest.mark.parametrize(
    ("spec", "layers"),
    [("3", {3}), ("0,11", {0, 11}), ("2-4", {2, 3, 4}), ("0, 2 - 3", {0, 2, 3}), ("5,5", {5})],
)
def test_layer_specs(spec: str, layers: set[int]) -> None:
    assert parse_layers(spec) == layers


@pytest.mark.parametrize("spec", ["", "a", "-1", "1-", "4-2", "1,,2", "1.5", "٣", "1-99999999999"])
def test_what_names_no_layers(spec: str) -> None:
    with pytest.raises(UsageError, match="does not name layers"):
        parse_layers(spec)


PATHS = ["", "bert", "bert.pooler", "bert.pooler.dense", "bert.encoder.layer.0.attention.self", "classifier"]


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("**", PATHS),
        ("", [""]),
        ("*", ["bert", "classifier"]),
        ("bert.*", ["bert.pooler"]),
        ("bert.pooler.**", ["bert.pooler", "bert.pooler.dense"]),
        ("**.dense", ["bert.pooler.dense"]),
        ("**.attention.self", ["bert.encoder.layer.0.attention.self"]),
        ("bert.**.self", ["bert.encoder.layer.0.attention.self"]),
        ("bert.encoder.layer.[0-3].**", ["bert.encoder.layer.0.attention.self"]),
        ("bert.poole?", ["bert.pooler"]),
        ("pooler", []),
        ("bert.pool", []),
    ],
)
def test_patterns(pattern: str, found: list[str]) -> None:
    assert [path for path in PATHS if matches(pattern, path)] == found


MODULES = dict.fromkeys(PATHS, "") | {
    "bert.pooler": "BertPooler",
    "bert.pooler.dense": "Linear",
    "classifier": "Linear",
}


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        ("bert.pooler", ["bert.pooler"]),  # a path
        ("bert.poole?", ["bert.pooler"]),  # a glob over whole paths
        ("pooler", ["bert.pooler"]),  # the end of a path
        ("attention.self", ["bert.encoder.layer.0.attention.self"]),
        ("layer.[0-3].attention.*", ["bert.encoder.layer.0.attention.self"]),
        ("Linear", ["bert.pooler.dense", "classifier"]),  # a class
        ("", [""]),
        ("bert", ["bert"]),
        ("*", ["bert", "classifier"]),  # whole paths come first
    ],
)
def test_a_module_is_named_by_its_path_the_end_of_it_a_glob_or_its_class(pattern: str, found: list[str]) -> None:
    assert matching(pattern, MODULES) == found


@pytest.mark.parametrize(
    ("pattern", "near"), [("bert.poler", "bert.pooler"), ("Linaer", "Linear"), ("BertPoolr", "BertPooler")]
)
def test_what_names_no_module_is_answered_with_the_nearest(pattern: str, near: str) -> None:
    with pytest.raises(UsageError, match=f"no module matches '{pattern}'") as raised:
        matching(pattern, MODULES)
    assert (raised.value.hint or "").startswith(f"did you mean {near}")


def test_a_module_is_selected_with_everything_below() -> None:
    def selected(*patterns: str, **more: Any) -> set[str]:
        wanted = Selection(patterns=patterns, **more).of(MODULES)
        return {path for path in PATHS if wanted.wants(path, None)}

    assert selected("bert.pooler") == selected("BertPooler") == {"bert.pooler", "bert.pooler.dense"}
    assert selected("bert") == {path for path in PATHS if path.startswith("bert")}
    assert selected("") == selected() == set(PATHS)
    assert selected("pooler", "classifier") == {"bert.pooler", "bert.pooler.dense", "classifier"}
    assert selected("bert.pooler", exact=True) == {"bert.pooler"}


# Each sign of a pattern's segment, and the same as a regular expression.
SIGNS = {"a": "a", "0": "0", "*": "[^.]*", "?": "[^.]", "[ab]": "[ab]", "[!a]": "[^.a]", "[0-9]": "[0-9]"}
segments = st.lists(st.text("ab0", min_size=1, max_size=3), max_size=6)
part = st.just(("**",)) | st.lists(st.sampled_from(sorted(SIGNS)), min_size=1, max_size=3).map(tuple)


@given(st.lists(part.filter(lambda signs: signs != ("*", "*")), max_size=5), segments)
def test_patterns_agree_with_a_regular_expression(pattern: list[tuple[str, ...]], path: list[str]) -> None:
    # The same language, written as a regular expression over segments that each end in a dot.
    parts = [r"(?:[^.]+\.)*" if p == ("**",) else "".join(map(SIGNS.__getitem__, p)) + r"\." for p in pattern]
    expected = re.fullmatch("".join(parts), "".join(segment + "." for segment in path)) is not None
    assert matches(".".join("".join(p) for p in pattern), ".".join(path)) == expected


def test_no_pattern_takes_forever() -> None:
    # Tried one way after the other, these would be more ways than there are atoms.
    assert not matches("**.a." * 300 + "b", "a." * 2000 + "a")
    assert matches("**.a." * 300 + "**", "a." * 2000 + "a")


def test_an_endless_number_names_no_layer() -> None:
    assert BERT.layer_in_path("bert.encoder.layer." + "9" * 5000) is None and BERT.layer_in_path("layer.٣") is None


def test_both_filters_hold_together() -> None:
    wanted = Selection.parse(layer="0", module=["**.self"]).of(MODULES)
    assert wanted.wants("bert.encoder.layer.0.attention.self", 0)
    assert not wanted.wants("bert.encoder.layer.0.attention.self", 1)
    assert not wanted.wants("bert.encoder.layer.0", 0)
    with pytest.raises(UsageError, match="no step in common"):
        Selection.parse(layer="1", module=["bert.pooler"]).of(MODULES).check(
            [(path, BERT.layer_in_path(path)) for path in PATHS]
        )


def test_layers_are_read_from_paths() -> None:
    assert BERT.layer_in_path("bert.encoder.layer.11.output") == 11
    assert BERT.layer_in_path("bert.encoder.layer") is None and BERT.layer_in_path("bert.pooler") is None


def test_near_paths() -> None:
    assert near_paths("pooler.dense", PATHS) == ["bert.pooler.dense"]
    assert "bert.pooler" in near_paths("bert.poler", PATHS)
    assert near_paths("**.slef", PATHS) == ["bert.encoder.layer.0.attention.self"]
    assert near_paths("**", PATHS) == []
