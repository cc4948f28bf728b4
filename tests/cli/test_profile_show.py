"""`profile show` from the outside: exit codes, files, filters, one unit, and what is asked for wrongly."""

from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import fresh
from profiles.made import Made

from bert_inspect.profiles.profile_file import profile_json

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("profiles") / "profile.json"
    path.write_bytes(profile_json(Made(examples=2).profile()))
    return path


@pytest.mark.slow
def test_it_needs_no_torch(file: Path) -> None:
    code = (
        "import sys; from bert_inspect.__main__ import run; "
        f"code = run(['profile', 'show', {str(file)!r}, '-o', {str(file.with_suffix('.html'))!r}]); "
        "print(code, {'torch', 'transformers', 'tokenizers'} & set(sys.modules))"
    )
    assert fresh(code).splitlines()[-1] == "0 set()"


@pytest.mark.parametrize(("suffix", "begins"), [(".html", b"<!doctype"), (".svg", b"<svg"), (".png", b"\x89PNG")])
def test_it_is_saved_as_a_page_or_a_picture(
    command: Command, file: Path, tmp_path: Path, suffix: str, begins: bytes
) -> None:
    saved = tmp_path / f"profile{suffix}"
    code, out, err = command("profile", "show", file, "-o", saved)
    assert code == 0 and "outlier dimensions" in out and err == f"written to {saved}\n"
    assert saved.read_bytes().startswith(begins)


def test_filters_show_the_ranges_of_these_steps_alone(command: Command, file: Path) -> None:
    code, out, _ = command("profile", "show", file, "--layer", "1")
    rows = out[out.index("ranges by step") :].splitlines()[2:-1]
    assert code == 0 and [row.split("  ")[0] for row in rows] == [
        "layer 1, gelu activation",
        "layer 1, output, layer norm",
    ]
    assert "heads" not in out.split("ranges")[0].split("corpus")[1]
    assert command("profile", "show", file, "--module", "extra")[0] == 2
    code, _, err = command("profile", "show", file, "--layer", "7")
    assert code == 2 and "there is no layer 7: this model has layers 0 to 2" in err


def test_one_unit_is_shown_with_its_examples(command: Command, file: Path) -> None:
    code, out, _ = command("profile", "show", file, "--unit", "layer.1.neuron.12")
    assert code == 0 and out.startswith("layer 1, neuron 12  gelu activation\n") and out.count("sentence ") == 2


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("layer.1.head.2", "'layer.1.head.2' names no unit"),
        ("unit 3", "'unit 3' names no unit"),
        ("layer.1.neuron.2=mean", "names no unit"),
        ("layer.9.neuron.2", "no unit in layer 9"),
        ("layer.1.neuron.64", "there is no unit 64: a layer has units 0 to 63"),
    ],
)
def test_what_is_no_unit_is_refused(command: Command, file: Path, spec: str, told: str) -> None:
    code, out, err = command("profile", "show", file, "--unit", spec)
    assert code == 2 and out == "" and told in err


def test_without_examples_it_is_said_how_to_get_them(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "bare.json"
    path.write_bytes(profile_json(Made().profile()))
    code, _, err = command("profile", "show", path, "--unit", "layer.1.neuron.12")
    assert code == 2 and "--examples" in err


def test_damaged_files_are_4(command: Command, file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    for name, text in {
        "cut": whole[: len(whole) // 2],
        "changed": whole.replace(b'"tokens":500', b'"tokens":501'),
        "other": b'{"format": "bert-inspect-trace"}',
        "empty": b"",
    }.items():
        (tmp_path / name).write_bytes(text)
        code, out, err = command("profile", "show", tmp_path / name)
        assert (code, out) == (4, "") and err.startswith("error: ") and err.count("\n") == 2, name
    assert command("profile", "show", tmp_path / "nowhere.json")[0] == 4
