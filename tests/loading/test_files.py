"""What lies in a checkpoint's folder in place of plain files: links, fifos, devices, folders, what may not be read."""

import os
import shutil
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from helpers import loaded

Command = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]

INDEX = "model.safetensors.index.json"
READ = ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json", "vocab.txt", INDEX]


def put(kind: str, place: Path) -> None:
    """Put something that is no plain file in a file's place."""
    place.unlink(missing_ok=True)
    if kind == "a folder":
        place.mkdir()
    elif kind == "a fifo":
        os.mkfifo(place)
    elif kind == "a socket":
        with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as server:
            server.bind(f"{short}/s")  # the path of a socket may have 100 characters
            os.rename(f"{short}/s", place)  # noqa: PTH104
    elif kind == "a symbolic link to nothing":
        place.symlink_to("nothing")
    elif kind == "a symbolic link to itself":
        place.symlink_to(place.name)
    else:
        place.symlink_to(kind)


KINDS = ["a folder", "a fifo", "a socket", "a symbolic link to nothing", "a symbolic link to itself"]
OUTSIDE = ["/dev/zero", "/dev/null", "/etc/passwd", "../outside", "/proc/self/mem", "/"]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [*KINDS, *OUTSIDE])
@pytest.mark.parametrize("file", READ)
def test_what_is_no_plain_file_is_not_opened(
    copy: Path, refused: Refused, tmp_path: Path, file: str, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "outside").write_text("{}")
    for present, instead in ((INDEX, "model.safetensors"), ("vocab.txt", "tokenizer.json")):
        if file == present:
            (copy / instead).unlink()
    put(kind, copy / file)
    opened = Path.open

    def watched(self: Path, *arguments: object, **more: object) -> object:
        assert self != copy / file, "it was opened"
        return opened(self, *arguments, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Path, "open", watched)
    said = kind if kind in KINDS else "a symbolic link that leaves the folder"
    assert f"{file} of copy is {said}" in refused("run", "x", "--model", copy)


def test_links_inside_the_folder_are_followed(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "weights")
    (copy / "model.safetensors").symlink_to("weights")
    (copy / "config.json").rename(copy / "c")
    (copy / "config.json").symlink_to(copy / "c")
    link = copy.parent / "link"
    link.symlink_to(copy)
    for folder in (copy, link):
        assert loaded(str(folder)).weights == "pretrained"


def test_the_cache_is_made_of_links_into_its_blobs(
    checkpoint: Path, tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    root = tmp_path / "models--someone--sentiment"
    snapshot = root / "snapshots" / "abc"
    for folder in (snapshot, root / "blobs", root / "refs"):
        folder.mkdir(parents=True)
    (root / "refs" / "main").write_text("abc")
    for file in checkpoint.iterdir():
        shutil.copy(file, root / "blobs" / file.stem)
        (snapshot / file.name).symlink_to(Path("..") / ".." / "blobs" / file.stem)
    assert loaded("someone/sentiment").weights == "pretrained"
    assert loaded(str(snapshot)).weights == "pretrained"
    (snapshot / "model.safetensors").unlink()
    (snapshot / "model.safetensors").symlink_to(checkpoint / "model.safetensors")
    message = "model.safetensors of someone/sentiment is a symbolic link that leaves the folder"
    assert message in refused("run", "x", "--model", "someone/sentiment")


def test_a_shard_may_be_no_link_out_of_the_folder(copy: Path, checkpoint: Path, refused: Refused) -> None:
    (copy / "model.safetensors").unlink()
    (copy / INDEX).write_text('{"weight_map": {"a": "model-1.safetensors"}}')
    (copy / "model-1.safetensors").symlink_to(checkpoint / "model.safetensors")
    assert "model-1.safetensors of copy is a symbolic link that leaves" in refused("run", "x", "--model", copy)


NOT_FOLDERS = ["/dev/null", "/dev/zero", "{copy}/config.json", "{copy}/fifo"]


@pytest.mark.parametrize("name", NOT_FOLDERS)
def test_a_file_is_no_model(copy: Path, refused: Refused, name: str) -> None:
    os.mkfifo(copy / "fifo")
    name = name.format(copy=copy)
    assert f"{name} is a file, not a folder" in refused("run", "x", "--model", name)


NAMES = ["", " ", "\n", "\x1b[2J\x07", "../../..", "a/../../b", "~nobody-here/x", "x" * 5000, "\udcff", "[/bold]", ".."]


@pytest.mark.parametrize(
    "name", [*NAMES, "/no/such/folder", "--x", "http://example.invalid/x", "C:\\x", "a//b", "a\0b"]
)
def test_hostile_names_are_names(refused: Refused, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "a" / "b")
    refused("run", "x", f"--model={name}")


def test_a_link_to_nothing_is_no_model(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "link").symlink_to("nothing")
    assert "link is a symbolic link to nothing" in refused("run", "x", "--model", tmp_path / "link")
    (tmp_path / "loop").symlink_to("loop")
    refused("run", "x", "--model", tmp_path / "loop")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["\x1b[31mred", "[bold]x[nothing]", "a\nb", "\u202eabc", b"caf\xe9", "--model"])
def test_a_folder_may_be_called_anything(copy: Path, command: Command, name: str | bytes) -> None:
    folder = Path(os.fsdecode(os.fsencode(copy.parent) + b"/" + os.fsencode(name)))
    copy.rename(folder)
    for arguments in ([], ["--json"]):
        code, out, err = command("run", "x", "--model", folder, *arguments)
        assert (code, err) == (0, "") and out.encode() and "\x1b" not in out
        assert arguments or "\u202e" not in out
    (folder / "config.json").write_text("{")
    code, _, err = command("run", "x", "--model", folder)
    assert code == 3 and len(err.splitlines()) == 2 and not set(err) & {"\x1b", "\u202e"}


@contextmanager
def as_somebody() -> Iterator[None]:
    """Be one who may not read everything, as root may."""
    root = os.geteuid() == 0
    try:
        if root:
            os.seteuid(65534)
        yield
    finally:
        if root:
            os.seteuid(0)


@pytest.mark.parametrize("locked", ["", "config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_what_may_not_be_read_is_told(checkpoint: Path, refused: Refused, locked: str) -> None:
    with tempfile.TemporaryDirectory() as root:  # pytest's own folders are closed to others
        Path(root).chmod(0o755)
        folder = Path(shutil.copytree(checkpoint, Path(root) / "copy"))
        for file in folder.iterdir():
            file.chmod(0o644)
        (folder / locked).chmod(0)
        with as_somebody():
            error = refused("run", "x", "--model", folder)
        (folder / locked).chmod(0o755)
    assert error == f"error: cannot read {locked or 'config.json'} of copy: Permission denied"
