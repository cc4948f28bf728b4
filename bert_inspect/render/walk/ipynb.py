"""The tour as a notebook: text to read, and code that runs the model and shows each tensor and its arithmetic."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from typing import Any

from ...errors import UsageError
from ...families import family_of, heads
from ...stations.excerpt import Excerpt
from ...stations.walk import Walk
from ...traces.vocabulary.axes import FOLDED
from .by_hand import checked_by_hand
from .escaping import block, plain, span, table
from .keys import key_of
from .sections import Section, sections


@dataclass(frozen=True, kw_only=True)
class Asked:
    """How the run was asked for: what `load` is given, the name of the model among it, and how texts are cut."""

    load: Mapping[str, Any] = field(default_factory=dict)
    max_length: int | None = None
    truncate: bool = False


def check_nbformat() -> None:
    """Refuse a notebook where nbformat is not installed, before anything slow starts.

    Raises:
        UsageError: it is not.
    """
    if find_spec("nbformat") is None:
        raise UsageError(
            "a notebook needs the package nbformat, which is not installed",
            "pip install 'bert-inspect[notebook]', or name a file that ends in .html or .md",
        )


def walk_notebook(walk: Walk, asked: Asked, *, only: int | None = None) -> str:
    """Return the tour as a notebook of format 4.5, without outputs: who reads it runs it.

    Args:
        walk: the tour.
        asked: how its run was asked for.
        only: one station, by its place from 0, in place of all.

    Raises:
        UsageError: nbformat is not installed.
    """
    check_nbformat()
    import nbformat

    cells = [*_start(walk, asked)]
    for section in sections(walk, only=only):
        cells += _station(walk, section)
    made = nbformat.v4.new_notebook(
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        },
        cells=[
            # Ids of our own: those that nbformat draws would be others each time.
            getattr(nbformat.v4, f"new_{kind}_cell")(source="\n".join(lines), id=id_)
            for kind, id_, lines in cells
        ],
    )
    nbformat.validate(made)
    return str(nbformat.writes(made)) + "\n"


_Cell = tuple[str, str, Sequence[str]]
"""What kind of cell it is, its id, and its lines."""


def _start(walk: Walk, asked: Asked) -> Iterator[_Cell]:
    model = walk.trace.model
    name = family_of(model.family).name
    batch = walk.trace.input
    also = ", and in `given` what goes with it" if batch.pairs is not None or batch.labels is not None else ""
    yield (
        "markdown",
        "start",
        [
            f"# {plain(name)}, station by station",
            "",
            "From the text to the answer, in one forward pass. Run the cells from top to bottom; then put a sentence "
            f"of your own in `texts`{also}, run them again, and see what changes.",
            "",
            "The cells need bert-inspect (`pip install bert-inspect`). What is computed by hand is, with numpy.",
        ],
    )
    yield ("code", "load", _load(asked))
    yield ("code", "run", list(_run(walk, asked)))
    if walk.has_numbers:
        yield ("code", "show", _SHOW)


_SHOW = [
    "import numpy as np",
    "",
    "np.set_printoptions(precision=4, suppress=True, linewidth=120, threshold=200)",
    "",
    "",
    "def show(tensor, *place):",
    '    """Print what a tensor is, its shape, and the part of it that lies at a place: a text, a head of it."""',
    "    print(tensor)",
    "    print(tensor.numpy()[place])",
]


def _load(asked: Asked) -> list[str]:
    given = dict(asked.load)
    words = [repr(given.pop("name"))] if "name" in given else []
    words += [f"{name}={value!r}" for name, value in given.items()]
    return [
        "from bert_inspect import load, trace, walk",
        "",
        f"model, tokenizer = load({', '.join(words)})",
    ]


def _run(walk: Walk, asked: Asked) -> Iterator[str]:
    batch = walk.trace.input
    texts, given = list(batch.texts), dict[str, Any]()
    if batch.pairs is not None:
        if walk.trace.model.task == heads.MULTIPLE_CHOICE.task:
            texts, given = texts[:1], {"choices": list(batch.pairs)}
        else:
            given = {"pairs": list(batch.pairs)}
    if batch.labels is not None:
        given["labels"] = list(batch.labels)
    if asked.max_length is not None:
        given["max_length"] = asked.max_length
    if asked.truncate:
        given["truncate"] = True
    yield f"texts = {texts!r}"
    if given:
        yield f"given = {given!r}"
    more = ", **given" if given else ""
    values = ", values=True" if walk.has_numbers else ""
    where = f", row={walk.row}" if walk.row else ""
    where += f", layer={walk.layer}" if walk.layer else ""
    yield f"result = trace(model, tokenizer, texts{more}{values})"
    yield f"tour = walk(model, tokenizer, texts{more}{where})"
    yield "result"


def _station(walk: Walk, section: Section) -> Iterator[_Cell]:
    station = section.stop.station
    lines = [f"## {section.number}. {plain(station.title)}", "", f"**{plain(station.question)}**", ""]
    lines += [plain(" ".join(station.text)), ""]
    for held in section.tables:
        rows = [[plain(cell) for cell in row] for row in held.rows]
        lines += [*table([plain(header) for header in held.headers], rows, held.numbers), ""]
        lines += [f"*{plain(held.note)}*", ""] if held.note else []
    if section.structure:
        lines += ["What the model is made of:", "", *block(section.structure, "text"), ""]
    for statement in section.stop.code:
        lines += [span(f"{statement.file}:{statement.line}"), "", *block(statement.lines, "python"), ""]
    if section.said:
        lines += [plain(section.said), ""]
    yield ("markdown", station.name, lines[:-1])
    if shown := [line for excerpt in section.stop.excerpts for line in _tensor(walk, excerpt)]:
        yield ("code", f"{station.name}-tensor", shown)
    for number, each in enumerate(checked_by_hand(walk, section.stop)):
        yield ("code", f"{station.name}-by-hand-{number + 1}", each)
    if section.stop.cell is not None:
        yield ("code", f"{station.name}-arithmetic", [f'tour["{station.name}"].arithmetic'])


def _tensor(walk: Walk, excerpt: Excerpt) -> Iterator[str]:
    key = key_of(walk.trace, excerpt.step, excerpt.place)
    if excerpt.numbers is None:
        yield f"print(result[{key}])"
        return
    place, told = _place(walk, excerpt)
    yield f"show(result[{key}]{''.join(f', {at}' for at in place)}){f'  # {told}' if told else ''}"


def _place(walk: Walk, excerpt: Excerpt) -> tuple[list[int], str]:
    """Return where in a tensor the matrix lies that a station shows, and what is there."""
    axes = excerpt.axes or ()
    place: list[int] = []
    told: list[str] = []
    for axis, size in zip(axes[:-2] if len(axes) > 2 else (), excerpt.shape, strict=False):
        if axis == "batch":
            place.append(walk.row if size > walk.row else 0)
            told += [f"text {place[-1] + 1} of {size}"] if size > 1 else []
        elif axis == FOLDED:
            place.append(walk.row * (walk.trace.model.sizes.heads or 1) + walk.followed.head)
            told.append(f"head {walk.followed.head}")
        elif axis == "heads":
            place.append(walk.followed.head if size > 1 else 0)
            told.append(f"head {place[-1]}")
        else:
            break
    return place, ", ".join(told)
