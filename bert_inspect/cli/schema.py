"""``bert-inspect schema``: the JSON Schema of the trace format."""

from ..errors import ExitCode
from ..terminal import Terminal
from . import options as o


def schema(debug: o.Debug = False) -> int:
    """Show the JSON Schema of the trace format."""
    from json import dumps

    from ..traces.trace_file import schema as trace_schema

    Terminal().write([dumps(trace_schema(), indent=2).encode() + b"\n"])
    return ExitCode.OK
