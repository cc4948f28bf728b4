"""Files of sentences: text and JSON Lines, packed or not, folders of them; and what is refused, by file and line."""

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bert_inspect.corpus.blocks import blocks, read_blocks, survey
from bert_inspect.corpus.files import sources
from bert_inspect.corpus.line import Line
from bert_inspect.corpus.read import read
from bert_inspect.errors import UsageError

SENTENCES = ["I love cats!", "Ünïcödé 🍕", "مرحبا", "x" * 300]


def packed_by_zstandard(data: bytes) -> bytes:
    packed: bytes = pytest.importorskip("zstandard").ZstdCompressor(write_checksum=True).compress(data)
    return packed


PACKING: dict[str, Callable[[bytes], bytes]] = {"": bytes, ".gz": gzip.compress, ".zst": packed_by_zstandard}


def refused(*given: Path | str) -> UsageError:
    with pytest.raises(UsageError) as raised:
        list(read(sources(map(str, given))))
    return raised.value


@pytest.fixture
def objects(tmp_path: Path) -> Callable[..., Path]:
    def write(*rows: Any) -> Path:
        file = tmp_path / "rows.jsonl"
        file.write_text("".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows))
        return file

    return write


@pytest.mark.parametrize("packing", PACKING)
def test_the_same_sentences_come_out_however_they_are_packed(tmp_path: Path, packing: str) -> None:
    pack = PACKING[packing]
    text = "\ufeff" + "\r\n\r\n \n".join(SENTENCES)
    rows = "\ufeff" + "\n\n".join(json.dumps({"text": each, "id": 3}) for each in SENTENCES)
    (tmp_path / f"a.txt{packing}").write_bytes(pack(text.encode()))
    (tmp_path / f"b.jsonl{packing}").write_bytes(pack(rows.encode()) + pack(b'\n{"text": "a second part"}'))
    (tmp_path / ".hidden.txt").write_text("hidden")
    (tmp_path / "profile.json").write_text("{}")
    (tmp_path / "folder.txt").mkdir()
    found = list(read(sources([str(tmp_path)])))
    assert [line.text for line in found] == [*SENTENCES, *SENTENCES, "a second part"]
    assert [line.number for line in found] == [*range(1, 10)]
    assert str(found[1].where) == f"line 4 of a.txt{packing}" and str(found[5].where) == f"line 3 of b.jsonl{packing}"


def test_an_object_holds_a_pair_and_a_label(objects: Callable[..., Path]) -> None:
    file = objects({"text": "a", "pair": "b", "label": "positive"}, {"text": "", "pair": "", "label": 1, "x": [{}]})
    assert [line.content for line in read(sources([str(file)]))] == [("a", "b", "positive"), ("", "", 1)]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("{", "is not JSON: Input data was truncated"),
        ('[{"text": "a"}]', "is not a JSON object but an array"),
        ('"a"', 'is not a JSON object but "a"'),
        ({"sentence": "a", "y": 1}, "has no \"text\": it has 'sentence', 'y'"),
        ({}, 'has no "text": it has no key at all'),
        ({"text": None}, 'has null as its "text", which should be a string'),
        ({"text": "a", "pair": ["b"]}, 'has an array as its "pair", which should be a string'),
        ({"text": "a", "label": 0.5}, 'has 0.5 as its "label", which should be the name of a class or its index'),
        ({"text": "a", "label": True}, 'has true as its "label", which should be the name of a class or its index'),
        ({"text": "a", "pair": "b"}, "has a pair, and the sentences before it have none"),
        ('{"text": "\\ud800"}', "has half of a surrogate pair, which is no character"),
        ("[", "is not JSON: Input data was truncated"),
        ("[" * 100_000, "is not JSON: "),
        ({"text": "x" * 1_000_001}, "has more than 1,000,000 characters"),
    ],
)
def test_a_line_that_is_no_such_object_is_named(objects: Callable[..., Path], row: Any, said: str) -> None:
    assert refused(objects({"text": "first"}, "", row)).message.startswith(f"line 3 of rows.jsonl {said}")


@pytest.mark.parametrize("packing", [".gz", ".zst"])
def test_a_packed_file_that_is_damaged_is_never_taken_for_a_whole_one(tmp_path: Path, packing: str) -> None:
    data = PACKING[packing]("\n".join(f"{n} {os.urandom(20).hex()}" for n in range(2000)).encode())
    file = tmp_path / f"a.txt{packing}"
    middle = len(data) // 2
    for damaged in (data[:-1], data[:middle], data[:middle] + bytes(64) + data[middle + 64 :], b"no such thing"):
        file.write_bytes(damaged)
        assert refused(file).message.startswith(f"{file} is damaged: ")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"good\nna\xefve\n", "line 2 of a.txt is not valid UTF-8 text"),
        (b"good\n" + b"x" * 5_000_000, "line 2 of a.txt has more than 1,000,000 characters"),
        (b"good\n" + "é".encode() * 5_000_000, "line 2 of a.txt has more than 1,000,000 characters"),
    ],
)
def test_a_line_that_is_no_text_is_named(tmp_path: Path, data: bytes, said: str) -> None:
    (tmp_path / "a.txt").write_bytes(data)
    assert refused(tmp_path / "a.txt").message == said


def test_what_is_no_corpus_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe")
    Path("a.txt").write_text("a")
    Path("same.txt").symlink_to("a.txt")
    Path("loop.txt").symlink_to("loop.txt")
    Path("empty").mkdir()
    for given, said in (
        (["none.txt"], "cannot read none.txt: No such file or directory"),
        (["loop.txt"], "cannot read loop.txt: "),
        (["pipe"], "pipe is a pipe, and a file of sentences is read twice"),
        (["-"], "a corpus is read twice"),
        (["empty"], "there is no file of sentences in the folder empty"),
        (["a.txt", "./a.txt"], "./a.txt is named twice (as a.txt too)"),
        (["."], "./same.txt is named twice (as ./a.txt too)"),
        (["a\0b"], "cannot read a\0b: "),
    ):
        assert refused(*given).message.startswith(said)


def test_blocks_are_numbered_and_read_again_from_where_they_begin(tmp_path: Path) -> None:
    for name, packing in (("a.txt", ""), ("b.txt.gz", ".gz"), ("c.jsonl", "")):
        rows = [f"{name} {number}" for number in range(5)]
        data = "\n\n".join(json.dumps({"text": row}) if "json" in name else row for row in rows).encode()
        (tmp_path / name).write_bytes(PACKING[packing](data))
    corpus = sources([str(tmp_path)])
    whole = list(blocks(read(corpus), 4))
    found = survey(corpus, size=4)
    assert [len(lines) for _, lines in whole] == [4, 4, 4, 3] == [found.sentences_in(block) for block in range(4)]
    assert (found.sentences, found.blocks, found.paired, found.labelled) == (15, 4, False, False)
    assert list(read_blocks(corpus, found, range(4))) == whole
    for wanted in ({2}, {3}, {0, 3}, {1, 2}, set[int]()):
        assert list(read_blocks(corpus, found, wanted)) == [block for block in whole if block[0] in wanted]


@pytest.mark.parametrize("change", ["cut", "changed", "longer"])
def test_a_corpus_that_changes_meanwhile_is_noticed(tmp_path: Path, change: str) -> None:
    file = tmp_path / "a.txt"
    rows = [f"sentence {number}" for number in range(6)]
    file.write_text("\n".join(rows))
    corpus = sources([str(file)])
    found = survey(corpus, size=4)
    after = {"cut": rows[:5], "changed": [*rows[:5], "sentence X"], "longer": [*rows, "one more"]}[change]
    file.write_text("\n".join(after))
    assert [number for number, _ in read_blocks(corpus, found, {0})] == [0]
    with pytest.raises(UsageError, match="sentences 5 to 6 read otherwise"):
        list(read_blocks(corpus, found, {0, 1}))


def test_a_digest_is_of_the_content_and_not_of_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb")
    (tmp_path / "b.jsonl").write_text('{"text": "a"}\n\n{"text": "b", "id": 1}')
    (tmp_path / "c.jsonl").write_text('{"text": "a"}\n{"text": "b", "label": 1}')
    digests = [survey(sources([str(file)]), size=2).digest for file in sorted(tmp_path.iterdir())]
    assert digests[0] == digests[1] != digests[2]
    with pytest.raises(UsageError, match="there is no sentence in"):
        (tmp_path / "a.txt").write_text("\n \n")
        survey(sources([str(tmp_path / "a.txt")]), size=2)


def test_a_line_is_frozen() -> None:
    with pytest.raises(AttributeError):
        Line(number=1, text="a").text = "b"  # type: ignore[misc]
