"""The PNG: the SVG's picture, at twice its size."""

import re
import struct
import sys
import zlib

import pytest
import resvg_py

from bert_inspect.dataflow import Dataflow
from bert_inspect.errors import UsageError
from bert_inspect.render.diagram.svg import svg
from bert_inspect.render.raster import rasterized


def test_the_png_is_the_picture(flows: list[Dataflow]) -> None:
    picture = svg(flows[3])
    data = rasterized(picture)
    assert data[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", data[16:24])
    size = re.search(r'width="(\d+)" height="(\d+)"', picture)
    assert size is not None and (width, height) == (2 * int(size[1]), 2 * int(size[2]))
    assert zlib.crc32(data[12:29]) == struct.unpack(">I", data[29:33])[0]


@pytest.mark.slow
def test_the_font_that_the_package_carries_is_all_that_is_needed(
    flows: list[Dataflow], monkeypatch: pytest.MonkeyPatch
) -> None:
    picture = svg(flows[3])
    here = rasterized(picture)
    draw = resvg_py.svg_to_bytes
    monkeypatch.setattr(resvg_py, "svg_to_bytes", lambda **how: draw(**how, skip_system_fonts=True))
    bare = rasterized(picture)
    assert bare == here  # on a machine without a font the same picture comes out
    without_text = re.sub(r"<text.*?</text>", "", picture)
    assert rasterized(without_text) != bare


def test_a_png_says_what_it_lacks(flows: list[Dataflow], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(UsageError, match="resvg") as raised:
        rasterized(svg(flows[3]))
    assert "bert-inspect[png]" in (raised.value.hint or "")
