"""The application: its commands in the order of the help, and what holds for all of them."""

from collections.abc import Callable
from functools import cache
from typing import Annotated, Any

import typer

from .ablate import ablate
from .attention import attention
from .cell import cell
from .compare import compare
from .diagram import diagram
from .diff import diff
from .doctor import doctor
from .explain import explain
from .explore import explore
from .help import DIFFER, FORMAT, MANY, SEE, WHY, Command, Group
from .model import model
from .patch import patch
from .profile_group import group as profile
from .report import report
from .run import run
from .schema import schema
from .show import show
from .source import source
from .tokens import tokens
from .walk import walk

app = typer.Typer(
    cls=Group,
    help="See what a BERT does with a sentence: the whole forward pass of one real run.",
    no_args_is_help=False,
    add_completion=True,
    rich_markup_mode=None,  # plain help: it needs no rich, and starts in half the time
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"bert-inspect {version('bert-inspect')}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def main(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """See what a BERT does with a sentence: the whole forward pass of one real run."""
    if context.invoked_subcommand is None:
        typer.echo(context.get_help(), err=True)
        raise typer.Exit(2)


_COMMANDS = {
    SEE: (run, show, tokens, model, source, diagram, attention, report, walk, explore),
    WHY: (explain, cell, ablate, patch, doctor),
    DIFFER: (diff, compare),
    FORMAT: (schema,),
}

for _group, _commands in _COMMANDS.items():
    for _command in _commands:
        app.command(_command.__name__, cls=Command, rich_help_panel=_group)(_command)
app.add_typer(profile, name="profile", rich_help_panel=MANY)


@cache
def command() -> Callable[..., Any]:
    """Return the command that runs all of them; it is built from the signatures once a process."""
    built: Callable[..., Any] = typer.main.get_command(app)
    return built
