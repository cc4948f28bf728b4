"""``bert-inspect schema``: the JSON Schema of each format."""

from collections.abc import Callable, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import options as o

Schema = Callable[[], dict[str, Any]]


def _trace() -> dict[str, Any]:
    from ..traces.trace_file import schema as made

    return made()


def _cell() -> dict[str, Any]:
    from ..cells.record import schema as made

    return made()


def _explanation() -> dict[str, Any]:
    from ..analysis.explain.explanation import schema as made

    return made()


def _effects() -> dict[str, Any]:
    from ..analysis.effects.record import schema as made

    return made()


def _profile() -> dict[str, Any]:
    from ..profiles.record import schema as made

    return made()


SCHEMAS: Final[Mapping[str, Schema]] = {
    "trace": _trace,
    "explanation": _explanation,
    "cell": _cell,
    "effects": _effects,
    "profile": _profile,
}
"""What makes the schema of each format, by its name."""


def schema(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME",
            help=f"The format: {', '.join(SCHEMAS)}.",
            autocompletion=lambda incomplete: [name for name in SCHEMAS if name.startswith(incomplete)],
        ),
    ] = "trace",
    debug: o.Debug = False,
) -> int:
    """Show the JSON Schema of a format: the trace, or another by its name."""
    from json import dumps

    made = SCHEMAS.get(name)
    if made is None:
        near = get_close_matches(name, list(SCHEMAS), n=1)
        hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(SCHEMAS)}"
        raise UsageError(f"there is no schema {name!r}", hint)
    Terminal().write([dumps(made(), indent=2).encode() + b"\n"])
    return ExitCode.OK
