"""What moved between two profiles, as it is told: the answer first, no line wider than the terminal."""

import numpy as np
import pytest
from helpers import shown
from msgspec import structs
from profiles.made import Answer, Made
from rich.cells import cell_len

from bert_inspect.profiles.moved.moves import moves
from bert_inspect.profiles.record import Profile
from bert_inspect.render.profiles.diff_page import diff_page
from bert_inspect.render.profiles.view import View

HOSTILE = "\x1b[31m\u202e<b>.txt"


def answering(*, right: int, **how: object) -> Made:
    answers = [Answer(index=int(at < right), probability=0.9, label=1) for at in range(10)]
    return Made(answers=answers, **how)  # type: ignore[arg-type]


def both(**how: object) -> tuple[Profile, Profile]:
    before, after = answering(right=4, **how), answering(right=8, **how)
    after.hidden[1:, :, 7] = 40
    after.units[0, :, 5] = 0
    after.heads["separator"][1, 2] = before.heads["separator"][1, 2] + 0.5
    return before.profile(), after.profile()


@pytest.mark.parametrize("width", [50, 80, 120, 200])
def test_what_moved_is_told_and_has_room(width: int) -> None:
    text = shown(diff_page(moves(*both()), View()), width)
    assert max(map(cell_len, text.splitlines())) <= width
    flat = " ".join(text.split())
    assert flat.startswith("what moved most: layer ") and "dimension 7 became one:" in flat
    assert "layer 0: 1 unit died: 5" in flat and ("layer 1, head 2 the separator" in flat or width < 80)
    assert "right 40.0 % 80.0 %" in flat and "calibration error 50.0 % 10.0 %" in flat
    assert "by chance" not in flat


def test_other_sentences_are_said_with_what_is_by_chance() -> None:
    a, b = both()
    b = structs.replace(b, input=structs.replace(b.input, digests=["f" * 16], files=[HOSTILE]))
    text = shown(diff_page(moves(a, b), View()), 120)
    assert "corpus: sentences.txt (50 sentences) / \\x1b[31m\\u202e<b>.txt (50 sentences)" in text
    assert "by chance" in text and "\x1b" not in text


def test_of_random_weights_no_answer_is_shown() -> None:
    text = shown(diff_page(moves(*both(weights="random")), View()), 120)
    assert "A: The weights are random" in text and "positive" not in text and "calibration" not in text


def test_the_same_is_one_line() -> None:
    a, _ = both()
    assert shown(diff_page(moves(a, a), View()), 80) == "the same: every number of the two profiles\n"


def test_what_holds_no_sentence_is_not_compared() -> None:
    a, _ = both()
    text = shown(diff_page(moves(a, Made().nothing()), View()), 120)
    assert text.startswith("nothing to compare: there is no sentence in B\n")
    assert "or none" not in text and "no head" not in text


def test_of_heads_whose_attention_is_nan_nothing_is_claimed() -> None:
    a, made = Made().profile(), Made()
    made.heads = {name: np.full_like(shares, np.nan) for name, shares in made.heads.items()}
    text = shown(diff_page(moves(a, made.profile()), View()), 120)
    assert "of 12 heads it is not known, as attention is NaN" in text and "no head's" not in text
