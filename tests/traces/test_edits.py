"""Edits as people write them: what each says, and what is said where it says nothing."""

import pytest

from bert_inspect.errors import UsageError
from bert_inspect.traces.edits import Edit, check_edits, parse_edit, parse_edits

WRITTEN = {
    "layer.3": Edit(kind="layer", layer=3),
    "layer.3.attention": Edit(kind="attention", layer=3),
    "layer.3.intermediate=mean": Edit(kind="intermediate", layer=3, how="mean"),
    "layer.3.head.7": Edit(kind="head", layer=3, number=7),
    "layer.5.neuron.1234=0.5": Edit(kind="neuron", layer=5, number=1234, how="scale", factor=0.5),
    "layer.0.head.0=-2": Edit(kind="head", layer=0, number=0, how="scale", factor=-2.0),
    'layer.1.head.2=resample:"a = b"': Edit(kind="head", layer=1, number=2, how="resample", sentence="a = b"),
    "layer.1=mean:p.json": Edit(kind="layer", layer=1, how="mean", file="p.json"),
    "token.4": Edit(kind="token", number=4),
    "token.4=drop": Edit(kind="token", number=4, how="drop"),
    "token:pizza": Edit(kind="token", text="pizza"),
    "token:a=b": Edit(kind="token", text="a=b"),
    "token:a=b=drop": Edit(kind="token", text="a=b", how="drop"),
}


@pytest.mark.parametrize("written", WRITTEN)
def test_an_edit_says_what_is_written_and_is_written_so_again(written: str) -> None:
    assert parse_edit(written) == WRITTEN[written]
    assert str(WRITTEN[written]) == written


def test_what_is_meant_may_be_written_otherwise() -> None:
    for written, plain in (
        (" layer.3 = zero ", "layer.3"),
        ("layer.3=0", "layer.3"),
        ("layer.3.head.7=1e-1", "layer.3.head.7=0.1"),
        ("layer.3.head.7=resample:two words", 'layer.3.head.7=resample:"two words"'),
        ("layer.3=mean:'some folder/p.json'", "layer.3=mean:p.json"),
        ("token:pizza=mask", "token:pizza"),
        ("token:'pizza'", "token:pizza"),
    ):
        assert str(parse_edit(written)) == plain


@pytest.mark.parametrize(
    ("written", "says", "hint"),
    [
        ("layer.3.heads.7", "'layer.3.heads.7' names nothing that can be edited", "did you mean layer.3.head.7?"),
        ("layers.3", "'layers.3' names nothing", "did you mean layer.3?"),
        ("layer.3.mlp", "'layer.3.mlp' names nothing", "did you mean layer.3.intermediate?"),
        ("layer.3.out", "'layer.3.out' names nothing", "write layer.3, layer.3.attention"),
        ("layer.3.head", "'layer.3.head' names nothing", "did you mean layer.3.attention?"),
        ("layer.3.neuron", "'layer.3.neuron' names nothing", "did you mean layer.3.intermediate?"),
        ("layer.3.attention.7", "'layer.3.attention.7' names nothing", "did you mean layer.3.head.7?"),
        ("bert.encoder.layer.3.head.7", "names nothing", "did you mean layer.3.head.7?"),
        ("layer.-1", "'layer.-1' names nothing", "are counted from 0"),
        ("token.pizza", "'token.pizza' names nothing", "did you mean token:pizza?"),
        ("", "'' names nothing", "write layer.3, layer.3.attention"),
        ("layer.12345678901", "'layer.12345678901' names nothing", "layer.3"),
        ("token:", "token: names no token", "token:pizza"),
        ("layer.3=means", "'means' does not say how to edit layer.3", "did you mean layer.3=mean?"),
        ("layer.3=inf", "'inf' does not say how", "HOW is zero, mean"),
        ("layer.3=", "'' does not say how", "HOW is zero, mean"),
        ("layer.3=drop", "layer.3=drop cannot be done: only a token is left out", "write layer.3"),
        ("token.4=mean", "token.4=mean cannot be done", "token.4=drop"),
        ("layer.3.head.1=mean:", "names no profile", "layer.3.head.1=mean:profile.json"),
        ("layer.3.head.1=resample:' '", "resample: names no sentence", "another sentence"),
    ],
)
def test_what_says_nothing_is_refused_with_what_would(written: str, says: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_edit(written)
    assert says in caught.value.message and hint in (caught.value.hint or "")


def test_edits_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(UsageError, match=r"layer.1.head.2 is edited twice"):
        parse_edits(["layer.1.head.2", "layer.1.head.2=mean"])
    with pytest.raises(UsageError, match=r"layer.1.head.2 lies in layer 1, which is removed"):
        parse_edits(["layer.1.head.2", "layer.1"])
    assert len(parse_edits(["layer.1.head.2", "layer.1=0.5", "layer.2"])) == 3


@pytest.mark.parametrize(
    "one, several", [("layer.1.head.2", "layer.1.attention"), ("layer.1.neuron.2", "layer.1.intermediate")]
)
def test_an_edit_of_which_a_later_one_leaves_nothing_is_refused(one: str, several: str) -> None:
    with pytest.raises(UsageError, match=f"{several}=0.5 comes after {one}, and leaves nothing of it") as caught:
        parse_edits([one, "layer.0.head.2", f"{several}=0.5"])
    assert caught.value.hint == f"write {one} last: what is edited later holds"
    assert len(parse_edits([f"{several}=0.5", one])) == 2


def test_only_what_a_model_has_can_be_edited() -> None:
    sizes = {"layers": 1, "heads": 4, "intermediate": 64}
    check_edits(parse_edits(["layer.0.head.3", "layer.0.neuron.63", "token.99"]), sizes)
    with pytest.raises(UsageError, match="there is no layer 1: this model has only layer 0"):
        check_edits([parse_edit("layer.1.attention")], sizes)
    with pytest.raises(UsageError, match="there is no neuron 64: a layer of this model has neurons 0 to 63"):
        check_edits([parse_edit("layer.0.neuron.64")], sizes)
