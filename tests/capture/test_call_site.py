"""The line of a place that was noted while it ran is the line that Python says it ran."""

import sys
from types import FrameType

from bert_inspect.capture.tracing.call_site import line_of, site_of


def noted() -> list[tuple[tuple[str, int] | None, int]]:
    """What we and Python say of the same moments: in a long call, a comprehension, a loop and a block."""
    found = []

    def note(*_: object) -> None:
        frame: FrameType | None = sys._getframe(1)
        assert frame is not None
        found.append((line_of(site_of(frame)), frame.f_lineno))

    note(
        1,
        [note(item) for item in range(2)],
    )
    for _ in range(2):
        note()
    with open(__file__) as stream:  # noqa: PTH123
        try:
            note()
            note(stream.name)
        finally:
            note()
    return found


def test_the_line_is_the_one_that_python_says() -> None:
    found = noted()
    assert len({line for _, line in found}) > 5
    assert [line for line, _ in found] == [(__file__, line) for _, line in found]
