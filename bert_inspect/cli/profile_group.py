"""``bert-inspect profile``: activation statistics over a corpus; and the group of commands on what it writes."""

from typing import Annotated, Any

import typer

from ..errors import ExitCode, UsageError
from . import help
from . import options as o
from .expand import expanded
from .help import Command, ManyCommands, short_help
from .prepare import check_weights
from .profile_arguments import written_out
from .profile_diff import diff
from .profile_merge import merge
from .profile_options import CorpusOptions, MachineOptions
from .profile_run import Asked, deliver_profile, profiled
from .profile_show import show


class ProfileGroup(ManyCommands):
    """``profile`` and the commands below it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Read the arguments, of which ``--input`` takes several."""
        rest: list[str] = super().parse_args(ctx, written_out(args))
        return rest


group = typer.Typer(cls=ProfileGroup, rich_markup_mode=None)
"""The command, with those on what it writes."""


@group.callback(invoke_without_command=True)
@expanded
def profile(
    context: typer.Context,
    *,
    corpus: CorpusOptions,
    model: o.ModelOptions,
    select: o.SelectionOptions,
    machines: MachineOptions,
    examples: Annotated[
        int,
        typer.Option(
            min=0,
            max=100,
            metavar="[N]",
            help="Keep the N tokens that drive each unit most, in context (5 without a number).",
            rich_help_panel=help.SAVE,
        ),
    ] = 0,
    out: o.OutputOptions,
    term: o.TerminalOptions,
) -> int:
    """Sum up what a model's activations do over a whole corpus."""
    if context.invoked_subcommand is not None:
        _check_nothing_before(context)
        return ExitCode.OK
    if not corpus.files:
        typer.echo(short_help(context), err=True)
        return ExitCode.USAGE
    terminal, spec = term.terminal(), model.spec()
    check_weights(spec, what="activations")
    asked = Asked(corpus=corpus, spec=spec, selection=select.selection(), examples=examples, machines=machines)
    found = profiled(asked, out, terminal)
    deliver_profile(found, terminal, o.OutputOptions(json=out.to_stdout))
    return ExitCode.OK


def _check_nothing_before(context: typer.Context) -> None:
    """Refuse options between ``profile`` and the command below it, which would do nothing.

    Raises:
        UsageError: there are some.
    """
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            command = f"{context.command_path} {context.invoked_subcommand}"
            raise UsageError(f"an option stands before {context.invoked_subcommand}", f"put it behind: {command} ...")


group.command("merge", cls=Command)(merge)
group.command("show", cls=Command)(show)
group.command("diff", cls=Command)(diff)
