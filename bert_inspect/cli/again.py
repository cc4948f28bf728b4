"""Other commands on the same run: what a user would type, with the sentences and options that were given here."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..families.heads import MULTIPLE_CHOICE
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
    out. It writes nothing where no command line can name the model: a trace does not say in which folder that lies.
    """
    given = {name: value for name, value in context.params.items() if name in _INPUT and _is_given(context, name)}
    commands: Mapping[str, Any] = context.find_root().command.commands  # type: ignore[attr-defined]
    named = {each.name: each for each in context.command.params}
    file = given.pop("trace", None)
    again = given if file is None else _stated(trace)

    def line(command: "Command") -> str:
        verb, *rest = command.before
        if file is not None and verb == "run":
            return typed(["bert-inspect", "show", str(file), *rest, *command.after])
        target = commands[verb]
        takes = {option for each in target.params for option in each.opts}
        words = ["bert-inspect", verb, *rest]
        if file is not None and "--trace" in takes:
            return typed([*words, "--trace", str(file), *command.after])
        if again is None:
            return ""
        if "texts" not in {each.name for each in target.params}:  # the model alone
            return typed([*words, *([again["name"]] if "name" in again else []), *command.after])
        texts = trace.input.texts[: 1 if "choice" in again else None]
        looks_like_option = any(text.startswith("-") for text in texts)
        words += [] if looks_like_option else texts
        without_shapes = verb in _NEED_NUMBERS or "--values" in command.after
        for name, value in again.items():
            if without_shapes and (name, value) == ("weights", "none"):
                continue
            option = max(named[name].opts, key=len)
            words += _words(option, value) if option in takes else []
        return typed([*words, *command.after, *(["--", *texts] if looks_like_option else [])])

    return line


def _stated(trace: "Trace") -> dict[str, Any] | None:
    """Return the options that run the model of a trace again; None where they are not known."""
    model, batch = trace.model, trace.input
    if model.source not in ("builtin", "cache"):
        return None
    chooses = model.task == MULTIPLE_CHOICE.task
    texts = None if batch.pairs is None else batch.pairs
    stated = {
        "choice" if chooses else "pair": texts or (batch.texts if chooses else None),
        "name": model.name,
        "weights": model.weights if model.weights in ("random", "none") else None,
        "seed": model.seed if model.weights in ("random", "partial") else None,
        "attention": model.attention if model.attention != "eager" else None,
    }
    return {name: value for name, value in stated.items() if value is not None}


def _is_given(context: "typer.Context", name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def _words(option: str, value: object) -> Sequence[str]:
    if value is True:
        return [option]
    if isinstance(value, list | tuple):
        return [word for each in value for word in (option, str(each))]
    return [option, str(value)]
