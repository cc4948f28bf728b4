"""A picture of a trace's dataflow as a file: which part of it, in which format."""

from pathlib import PurePath
from typing import TYPE_CHECKING

from ..errors import UsageError
from ..terminal import Terminal
from .deliver import check_folder

if TYPE_CHECKING:
    from ..dataflow import Dataflow
    from ..traces.record import Trace

FORMATS = (".svg", ".png", ".mmd", ".dot", ".gv")


def check_format(output: str | None) -> None:
    """Refuse a file whose name says no format, before anything slow starts.

    Raises:
        UsageError: it is none that can be written, it needs what is not installed, or its folder is not there.
    """
    if output is None:
        return
    if PurePath(output).suffix.lower() not in FORMATS:
        raise UsageError(f"{output} names no format of a picture", f"end it with one of {', '.join(FORMATS)}")
    check_folder(output)
    if PurePath(output).suffix.lower() == ".png":
        from ..render.raster import check_rasterizer

        check_rasterizer()


def flow_of(trace: "Trace", module: str | None, *, depth: int | None, fold: bool) -> "tuple[Dataflow, str | None]":
    """Return the dataflow of a part of a run, and a note where the part was not named in full.

    Raises:
        UsageError: there is no such module, or it was never called.
    """
    from ..dataflow import dataflow, folded, tokenizer_flow
    from ..traces.lookup import find_module, first_call, modules_of

    if module == "tokenizer":
        return tokenizer_flow(trace.input), None
    path, note = find_module(module or "", modules_of(trace))
    flow = dataflow(trace, first_call(trace, path), depth=depth)
    return (folded(flow) if fold else flow), note


def written(flow: "Dataflow", trace: "Trace", output: str, *, upwards: bool, terminal: Terminal) -> None:
    """Write a dataflow as the file's name says.

    Raises:
        UsageError: the file cannot be written, or there is no font for a PNG.
    """
    from ..render.diagram.words import caption

    below = caption(flow, trace)
    match PurePath(output).suffix.lower():
        case ".svg" | ".png" as suffix:
            from ..render.diagram.svg import svg

            picture = svg(flow, upwards=upwards, caption=below)
            data = picture.encode()
            if suffix == ".png":
                from ..render.raster import rasterized

                data = rasterized(picture)
        case ".mmd":
            from ..render.diagram.mermaid import MOST_ARROWS, MOST_SIGNS, mermaid

            data = mermaid(flow, upwards=upwards, caption=below).encode()
            if len(flow.arrows) > MOST_ARROWS or len(data) > MOST_SIGNS:
                terminal.say(
                    f"{len(flow.arrows)} arrows: Mermaid draws them if its maxEdges and maxTextSize are raised"
                )
        case _:
            from ..render.diagram.dot import dot

            data = dot(flow, upwards=upwards, caption=below).encode()
    terminal.save(output, [data])
