"""Saved traces that were damaged or made hostile, and every command that reads one."""

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

Place = tuple[str | int, ...]

COMMANDS: dict[str, list[str]] = {
    "show": ["show", "{trace}", "--stats", "--values", "--axes"],
    "json": ["show", "{trace}", "--json"],
    "fold": ["show", "{trace}", "--fold", "--depth", "4"],
    "tokens": ["tokens", "--trace", "{trace}"],
    "source": ["source", "", "--trace", "{trace}", "--stats", "--values"],
    "diagram": ["diagram", "--trace", "{trace}"],
    "svg": ["diagram", "--trace", "{trace}", "-o", "{folder}/flow.svg"],
    "mermaid": ["diagram", "--trace", "{trace}", "-o", "{folder}/flow.mmd"],
    "dot": ["diagram", "--trace", "{trace}", "-o", "{folder}/flow.dot"],
    "tokenizer": ["diagram", "--trace", "{trace}", "--module", "tokenizer", "-o", "{folder}/flow.svg"],
    "attention": ["attention", "--trace", "{trace}"],
    "heads": ["attention", "--trace", "{trace}", "--layer", "0"],
    "heads svg": ["attention", "--trace", "{trace}", "-o", "{folder}/heads.svg"],
    "heads page": ["attention", "--trace", "{trace}", "-o", "{folder}/heads.html"],
    "report": ["report", "--trace", "{trace}", "-o", "{folder}/page.html"],
    "walk": ["walk", "--trace", "{trace}", "--plain"],
    "walk as text": ["walk", "--trace", "{trace}", "--sentence", "1", "-o", "{folder}/walk.md"],
    "cell of a step": ["cell", "#14", "--trace", "{trace}"],
    "cell of the scores": ["cell", "attention scores", "--trace", "{trace}"],
    "cell of the answer": ["cell", "probabilities", "--trace", "{trace}", "--json"],
    "diff": ["diff", "{trace}", "{right}"],
    "diff to it": ["diff", "{right}", "{trace}", "--all"],
}
"""Every way to read a trace, and what it writes."""

MUTATIONS: dict[str, Any] = {
    "null": None,
    "a word": "x",
    "nothing said": "",
    "a number": 5,
    "below zero": -1,
    "a fraction": 0.5,
    "huge": 1e308,
    "beyond counting": 2**62,
    "true": True,
    "no items": [],
    "no keys": {},
    "nested": [[0]],
    "not a number": "NaN",
}


def places(trace: Any) -> list[Place]:
    """Return a place of every kind of field: of the items of a list, the first and the last that have it."""
    found: dict[Place, list[Place]] = {}
    for place in _walk(trace, ()):
        kind = tuple("*" if isinstance(key, int) else key for key in place)
        if kind[:2] != ("model", "config") or len(kind) == 2 or "id2label" in kind:
            found.setdefault(kind, []).append(place)
    return [place for each in found.values() for place in dict.fromkeys((each[0], each[-1]))]


def _walk(value: Any, at: Place) -> Iterator[Place]:
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inside:
        yield (*at, key)
        yield from _walk(item, (*at, key))


def mutants(text: str, *, every: int = 1, first: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield a trace, given as JSON, with one field after the other damaged in one way after the other, each with its
    name; of all there are ``every`` so many-th one from the ``first`` on.
    """
    ways = (*MUTATIONS, "gone", "one less", "twice")
    for number, (place, name) in enumerate((place, name) for place in places(json.loads(text)) for name in ways):
        if number % every == first:
            mutant = json.loads(text)
            inside, key = at(mutant, place[:-1]), place[-1]
            if name in MUTATIONS:
                inside[key] = copy.deepcopy(MUTATIONS[name])
            elif name == "gone":
                del inside[key]
            elif isinstance(inside[key], list) and inside[key]:
                inside[key] = inside[key][:-1] if name == "one less" else inside[key] * 2
            else:
                continue
            yield f"{'.'.join(map(str, place))} {name}", mutant


def at(value: Any, place: Place) -> Any:
    """Return what stands at a place."""
    for key in place:
        value = value[key]
    return value


def texts(value: Any, change: Callable[[str, Place], str], where: Place = ()) -> Any:
    """Return a JSON value with every text in it changed."""
    if isinstance(value, str):
        return change(value, where)
    if isinstance(value, list):
        return [texts(item, change, (*where, place)) for place, item in enumerate(value)]
    if isinstance(value, dict):
        return {key: texts(item, change, (*where, key)) for key, item in value.items()}
    return value


def arguments(name: str, trace: Path, right: Path) -> list[str]:
    """Return the arguments of a command over a trace; what it writes lies beside the trace."""
    return [part.format(trace=trace, folder=trace.parent, right=right) for part in COMMANDS[name]]


def write(trace: Any, file: Path) -> Path:
    """Write a trace as it stands."""
    file.write_text(json.dumps(trace))
    return file
