"""A profile in Python: it saves and reads itself, and displays itself in a notebook."""

from pathlib import Path

import pytest
from helpers import fresh
from profiles.made import Made

from bert_inspect import Profile
from bert_inspect.errors import TraceFileError


def test_it_comes_back_from_its_file_as_it_was(tmp_path: Path) -> None:
    found = Profile.of(Made(examples=1).profile())
    found.save(tmp_path / "profile.json")
    again = Profile.load(tmp_path / "profile.json")
    assert again.json() == found.json() == (tmp_path / "profile.json").read_bytes()
    assert repr(again) == "<Profile of made: 50 sentences, 500 tokens, 8 steps>"
    (tmp_path / "cut.json").write_bytes(found.json()[:-200])
    with pytest.raises(TraceFileError, match="is damaged"):
        Profile.load(tmp_path / "cut.json")


def test_it_displays_itself_in_a_notebook() -> None:
    made = Made()
    made.hidden[1:, :, 7] = 40
    shown = Profile.of(made.profile())._repr_mimebundle_()
    assert shown["text/html"].startswith('<pre style="') and "dimension 7: 35 times the median" in shown["text/plain"]


def test_it_is_read_without_torch(tmp_path: Path) -> None:
    Profile.of(Made().profile()).save(tmp_path / "profile.json")
    code = (
        f"import sys; from bert_inspect import Profile; print(Profile.load({str(tmp_path / 'profile.json')!r})); "
        "print('torch' in sys.modules, 'rich' in sys.modules)"
    )
    assert fresh(code).splitlines()[-1] == "False False"
