"""Other commands on the same run: what a user would type, with the sentences and options that were given here."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..quoting import typed

if TYPE_CHECKING:
    import typer

    from ..stations.station import Command
    from ..traces.record import Trace

_INPUT = (
    *("trace", "pair", "choice", "labels", "max_length", "truncate", "name", "task", "weights", "num_labels", "seed"),
    *("attention", "device", "dtype", "allow_missing", "ablate"),
)
"""What says which run it is, by the names of parameters."""
_NEED_NUMBERS = ("attention", "cell", "compare", "doctor", "explain")
"""Commands that refuse a run of shapes alone."""


def typed_again(context: "typer.Context", trace: "Trace") -> "Callable[[Command], str]":
    """Return what writes a command for the run that a command line asked for; options that it does not take are left
    out.
    """
    given = {name: value for name, value in context.params.items() if name in _INPUT and _is_given(context, name)}
    commands: Mapping[str, Any] = context.find_root().command.commands  # type: ignore[attr-defined]
    named = {each.name: each for each in context.command.params}

    def line(command: "Command") -> str:
        target = commands[command.before[0]]
        takes = {option for each in target.params for option in each.opts}
        words = ["bert-inspect", *command.before]
        if "texts" not in {each.name for each in target.params}:  # the model alone
            return typed([*words, *([given["name"]] if "name" in given else []), *command.after])
        saved = "trace" in given and "--trace" in takes
        words += [] if saved else trace.input.texts
        without_shapes = command.before[0] in _NEED_NUMBERS or "--values" in command.after
        for name, value in given.items():
            if without_shapes and (name, value) == ("weights", "none"):
                continue
            option = max(named[name].opts, key=len)
            if option not in takes or (name == "trace" and not saved) or (saved and name != "trace"):
                continue
            words += _words(option, value)
        return typed([*words, *command.after])

    return line


def _is_given(context: "typer.Context", name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _words(option: str, value: object) -> Sequence[str]:
    if value is True:
        return [option]
    if isinstance(value, list | tuple):
        return [word for each in value for word in (option, str(each))]
    return [option, str(value)]
