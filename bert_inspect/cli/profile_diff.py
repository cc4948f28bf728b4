"""``bert-inspect profile diff``: what moved between two profiles, without torch."""

from typing import Annotated

import typer

from ..errors import ExitCode
from . import help
from . import options as o
from .expand import expanded
from .profile_show import wanted_of


@expanded
def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A profile that profile saved with -o.")],
    b: Annotated[str, typer.Argument(metavar="B", help="The profile to hold against it.")],
    *,
    select: o.ShownOptions,
    all: Annotated[
        bool, typer.Option("--all", help="All steps, not those that moved most.", rich_help_panel=help.SHOW)
    ] = False,
    term: o.TerminalOptions,
) -> int:
    """Show what moved between two profiles of the same steps.

    Weights and corpora may differ. Exit 0 if every number is the same, 1 if not, 2 if the two are not comparable.
    """
    from ..profiles.moved.moves import moves
    from ..profiles.profile_file import load_profile
    from ..render.profiles.diff_page import answer, diff_page
    from ..render.profiles.view import View

    terminal = term.terminal()
    selection = select.selection()
    one, other = load_profile(a), load_profile(b)
    found = moves(one, other)
    view = View(all=all, narrowed=selection.filters, wanted=wanted_of(one, selection))
    terminal.show(diff_page(found, view), summary=lambda: answer(found))
    return ExitCode.OK if found.same else ExitCode.NO
