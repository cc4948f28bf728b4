"""``bert-inspect profile``: the commands on a profile."""

import typer

from .help import Command
from .profile_show import show

group = typer.Typer(rich_markup_mode=None)
"""The commands on what `profile` writes."""

group.command("show", cls=Command)(show)


@group.callback()
def profile() -> None:
    """Sum up what a model's activations do over a whole corpus."""
