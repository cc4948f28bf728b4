"""The components of a model, without a run: plain data, like the trace."""

import msgspec


class Component(msgspec.Struct, frozen=True, kw_only=True):
    """One module: its class, its constructor's arguments, all parameters below it (each once), its own file, what it
    is, and the encoder layer that it is in.
    """

    path: str
    type: str
    arguments: str
    parameters: int
    file: str
    line: int
    role: str
    layer: int | None


class Components(msgspec.Struct, frozen=True, kw_only=True):
    """A model's modules, a parent before its children."""

    name: str
    parameters: int
    components: list[Component]
