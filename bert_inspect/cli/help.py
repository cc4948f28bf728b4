"""The help: options in panels, commands in groups, three examples for each. Plain text, so that it needs no rich."""

import inspect
from typing import TYPE_CHECKING, Any, Final

import typer
from typer.core import TyperCommand, TyperGroup

from ..errors import UsageError
from ..quoting import quoted
from .examples import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMPARE: Final = "Compare"
INPUT: Final = "Input"
MODEL: Final = "Model"
EDIT: Final = "Edit"
FILTER: Final = "Filter"
SHOW: Final = "Show"
SAVE: Final = "Save"
MACHINES: Final = "Machines"
TERMINAL: Final = "Terminal"
PANELS: Final = (INPUT, COMPARE, MODEL, EDIT, FILTER, MACHINES, SHOW, SAVE, TERMINAL)
"""The panels of options, in the order of the help. An option that names none is shown in the last."""

SEE: Final = "See the pass"
WHY: Final = "Ask why"
DIFFER: Final = "Compare"
MANY: Final = "Many sentences"
FORMAT: Final = "Format"
GROUPS: Final = (SEE, WHY, DIFFER, MANY, FORMAT)
"""The groups of commands, in the order of the help."""

_ALSO: Final = {MANY: [("run --input", "Trace a file of sentences in batches, into JSON Lines.")]}
"""What stands in a group besides its commands."""


class _InPanels:
    """A command whose help has its options in panels and ends in its examples."""

    get_params: "Callable[[Any], list[Any]]"

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments, then a section for each panel that has options."""
        panels: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is None:
                continue
            if parameter.param_type_name == "argument":
                panels.setdefault("Arguments", []).append((parameter.metavar or record[0], record[1]))
            else:
                panels.setdefault(getattr(parameter, "rich_help_panel", None) or TERMINAL, []).append(record)
        for panel in ("Arguments", *PANELS):
            if panel in panels:
                with formatter.section(panel):
                    formatter.write_dl(panels[panel])

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """Write the examples, each on a line that can be copied."""
        with formatter.section("Examples"):
            for line, what in examples_of(ctx):
                formatter.write(f"  {line}\n      {what}\n")


class Command(_InPanels, TyperCommand):
    """A command whose help has its options in panels and ends in its examples."""


class ManyCommands(_InPanels, TyperGroup):
    """A command with further ones below it, whose help lists these too."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the commands below it, then the panels."""
        with formatter.section("Commands"):
            formatter.write_dl(
                [(name, command.get_short_help_str(limit=200)) for name, command in self.commands.items()]
            )
        super().format_options(ctx, formatter)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that is named first.

        Raises:
            UsageError: there is none of that name.
        """
        if args and args[0] not in self.commands and not ctx.resilient_parsing:
            names, path = ", ".join(self.commands), ctx.command_path
            raise UsageError(
                f"{path} has no command {args[0]!r}: it has {names}", f"for a file: {path} --input {quoted(args[0])}"
            )
        return super().resolve_command(ctx, args)


class Group(TyperGroup):
    """All commands, whose help has them in groups; what is no command is perhaps a sentence."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write a section for each group."""
        for group in GROUPS:
            rows = [
                (name, command.get_short_help_str(limit=200))
                for name, command in self.commands.items()
                if getattr(command, "rich_help_panel", None) == group
            ]
            with formatter.section(group):
                formatter.write_dl([*rows, *_ALSO.get(group, [])])

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Return the command that is named first.

        Raises:
            UsageError: there is none of that name.
        """
        if args and args[0] not in self.commands and not args[0].startswith("-") and not ctx.resilient_parsing:
            raise _no_command(args, list(self.commands))
        return super().resolve_command(ctx, args)


def _no_command(args: "Sequence[str]", commands: "Sequence[str]") -> UsageError:
    from difflib import get_close_matches

    name = args[0]
    if near := get_close_matches(name, commands, n=1):
        return UsageError(f"there is no command {name!r}", f"did you mean {near[0]}?")
    words = [word for word in args if not word.startswith("-")]
    sentence = name if " " in name else " ".join(words)
    if " " in sentence:
        return UsageError(f"there is no command {name!r}", f"for a sentence: bert-inspect run {quoted(sentence)}")
    return UsageError(f"there is no command {name!r}", "bert-inspect --help lists the commands")


def examples_of(context: Any) -> "Sequence[tuple[str, str]]":
    """Return the examples of a command, by all that it is called below the program's name."""
    return EXAMPLES[context.command_path.partition(" ")[2]]


def short_help(context: typer.Context) -> str:
    """Return five lines on a command: how it is called, what it does, two examples, and where the rest is told."""
    command = context.command
    does = inspect.cleandoc(command.help or "").partition("\n")[0]
    usage = command.get_usage(context)
    examples = [f"  {line}" for line, _ in examples_of(context)[:2]]
    return "\n".join([usage, does, *examples, f"{context.command_path} --help shows all options."])
