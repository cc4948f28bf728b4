"""The drawing in the terminal: its lines lead where the arrows do, at every width."""

import io

import pytest
from rich.console import Console

from bert_inspect.dataflow import Dataflow
from bert_inspect.render.diagram.lanes import rows_of
from bert_inspect.render.diagram.text import TextDiagram
from bert_inspect.render.diagram.words import shape_text

_JOINTS = {
    "│": "ud",
    "─": "lr",
    "┼": "udlr",
    "╯": "ul",
    "╰": "ur",
    "╮": "dl",
    "╭": "dr",
    "┤": "udl",
    "├": "udr",
    "┬": "dlr",
    "┴": "ulr",
}


def read_lanes(flow: Dataflow, lines: list[str]) -> set[tuple[str, str]]:
    """Read a text drawing (downwards) back: follow the lines with the eye, from node to node."""
    nodes = list(flow.walk())
    titles = {id(node) for node in nodes if node.children}
    width = 2 * max(len(row.cells) for row in rows_of(flow))
    carried: dict[int, str] = {}
    arrows = set()
    for line, node in zip(lines, nodes, strict=True):
        cells = line[:width]
        if id(node) in titles:
            carried = {at: id_ for at, id_ in carried.items() if _JOINTS.get(cells[at : at + 1]) == "ud"}
            continue
        own = next(at for at, sign in enumerate(cells) if sign != " " and sign not in _JOINTS)
        before, carried = carried, {}
        for at, sign in enumerate(cells):
            if "u" in _JOINTS.get(sign, "") and "d" in _JOINTS.get(sign, ""):
                carried[at] = before[at]
        reach = [own]
        for step in (-1, 1):
            at = own + step
            while (
                0 <= at < len(cells) and cells[at] != " " and ("l" if step > 0 else "r") in _JOINTS.get(cells[at], "")
            ):
                reach.append(at)
                if ("r" if step > 0 else "l") not in _JOINTS[cells[at]]:
                    break
                at += step
        for at in reach:
            joint = "" if at == own else _JOINTS[cells[at]]
            comes = at in before and (at == own or ("u" in joint and joint != "udlr"))
            if comes:
                arrows.add((before[at], node.id))
            if at == own or ("d" in joint and "u" not in joint):
                carried[at] = node.id
    return arrows


def shown(flow: Dataflow, *, upwards: bool, width: int = 200, encoding: str = "utf-8") -> list[str]:
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    console = Console(file=stream, width=width, color_system=None)
    with console.capture() as captured:
        console.print(TextDiagram(flow, upwards=upwards))
    return captured.get().splitlines()


def test_the_lanes_in_the_terminal_lead_where_the_arrows_do(flows: list[Dataflow]) -> None:
    for flow in flows[:-1]:
        lines = shown(flow, upwards=False)
        assert len(lines) == len(list(flow.walk()))
        assert read_lanes(flow, lines) == {(arrow.source, arrow.target) for arrow in flow.arrows}


def test_upwards_is_downwards_turned_over(flows: list[Dataflow]) -> None:
    turned = str.maketrans("╯╮╰╭┬┴", "╮╯╭╰┴┬")
    for flow in flows[:-1]:
        down = [line.split()[-1] for line in shown(flow, upwards=False) if line.endswith("]")]
        up = [line.split()[-1] for line in shown(flow, upwards=True) if line.endswith("]")]
        assert down == up[::-1]
    down, up = shown(flows[3], upwards=False), shown(flows[3], upwards=True)
    assert [line[:5].translate(turned) for line in down if "╭ " not in line] == [
        line[:5] for line in up[::-1] if "╭ " not in line
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120])
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_the_terminal_s_width_is_kept(flows: list[Dataflow], width: int, encoding: str) -> None:
    for flow in flows:
        lines = shown(flow, upwards=True, width=width, encoding=encoding)
        assert len(lines) >= len(list(flow.walk()))
        if width >= 60:
            assert all(len(line) <= width for line in lines)
            assert all(shape_text(arrow.shape) in "\n".join(lines) for arrow in flow.arrows)
        if encoding == "ascii" and not any("日" in line for node in flow.walk() for line in node.lines):
            assert "".join(lines).isascii()
