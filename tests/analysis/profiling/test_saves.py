"""What is saved where something goes wrong: whole blocks, and nothing of the one that was being added."""

from pathlib import Path
from typing import Any

import pytest
from analysis.profiling.corpus_of import TEXTS, corpus, profiler
from analysis.profiling.test_profiler import small

from bert_inspect.analysis.profiling.local import profile_blocks
from bert_inspect.corpus.blocks import survey
from bert_inspect.corpus.files import sources
from bert_inspect.profiles.profile_file import decode_profile, profile_json
from bert_inspect.profiles.tensor_totals import NumbersTotal
from bert_inspect.profiles.total import Total


def run(tmp_path: Path, saved: list[bytes]) -> Total:
    file = tmp_path / "corpus.txt"
    file.write_text("".join(f"{text}\n" for text in TEXTS))
    made = profiler(*small("bert"))
    total, files = made.begin(corpus(2, 3)), sources([str(file)])
    found = survey(files, size=3)
    profile_blocks(
        made, total, files, found, wanted=range(2), save=lambda total: saved.append(profile_json(total.record()))
    )
    return total


@pytest.mark.parametrize(
    ("what", "kept"), [("add", [(0, 0)]), ("merge", None)], ids=["while it runs", "while it is added"]
)
def test_a_failure_in_a_block_saves_nothing_of_it(
    what: str, kept: list[tuple[int, int]] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[bytes] = []
    tensors = len(run(tmp_path, []).numbers)
    add, calls = getattr(NumbersTotal, what), iter(range(10**6))

    def failing(self: Any, other: Any) -> None:
        if next(calls) == tensors + tensors // 2:  # the second block, halfway
            raise MemoryError
        add(self, other)

    monkeypatch.setattr(NumbersTotal, what, failing)
    with pytest.raises(MemoryError):
        run(tmp_path, saved)
    assert [decode_profile(each).input.done for each in saved] == ([] if kept is None else [kept])
