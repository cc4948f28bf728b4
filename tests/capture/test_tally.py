"""Counts of several processes add up to those of one."""

from bert_inspect.capture.tally import NAMED, Tally


def test_words_are_those_that_come_first_each_once() -> None:
    total = Tally()
    for words in ("ab", "bc", "", "cdefgh", "ijk", "a"):
        total.merge(Tally(batches=1, failed=bool(words), unproved=2, cut=3, unknown=len(words), words=[*words]))
    assert total == Tally(batches=6, failed=5, unproved=12, cut=18, unknown=14, words=[*"abcdefghi"])
    assert len(total.words) == NAMED + 1
