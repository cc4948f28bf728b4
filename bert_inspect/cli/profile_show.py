"""``bert-inspect profile show``: what a profile tells, without torch."""

from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import ExitCode, UsageError
from ..terminal import Terminal
from . import help
from . import options as o
from .expand import expanded
from .outfile import check_output, check_picture, drawn

if TYPE_CHECKING:
    from rich.console import RenderableType

    from ..profiles.record import Profile
    from ..render.profiles.view import View
    from ..traces.selection import Selection, Wanted

_FORMATS = (".html", ".svg", ".png")


@expanded
def show(
    file: Annotated[str, typer.Argument(metavar="PROFILE", help="A profile that profile saved with -o.")],
    *,
    select: o.SelectionOptions,
    unit: Annotated[
        str | None,
        typer.Option(
            metavar="SPEC",
            help="The tokens that drive one unit most, in context: layer.3.neuron.12.",
            rich_help_panel=help.SHOW,
        ),
    ] = None,
    all: Annotated[
        bool,
        typer.Option("--all", help="The ranges of all steps, not of those that lose most.", rich_help_panel=help.SHOW),
    ] = False,
    output: Annotated[
        str | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A page or a picture too: .html, .svg or .png.",
            rich_help_panel=help.SAVE,
        ),
    ] = None,
    term: o.TerminalOptions,
) -> int:
    """Show what stands out in a profile: outliers, heads, dead units, ranges.

    With a filter: the ranges of these steps alone.
    """
    terminal = term.terminal()
    selection = select.selection()
    suffix = "" if output is None else check_picture(output, _FORMATS)
    check_output(output, others=[file])
    if unit is not None and (output is not None or selection.filters or all):
        raise UsageError("--unit shows one unit in the terminal, and goes with nothing else", "leave the others out")
    from ..profiles.profile_file import load_profile

    profile = load_profile(file)
    if unit is not None:
        terminal.show(_unit(profile, unit))
        return ExitCode.OK
    from ..render.profiles.view import View

    narrowed = selection.filters or selection.level == "module"
    view = View(all=all, narrowed=narrowed, wanted=wanted_of(profile, selection))
    if output is not None:
        terminal.save(output, [_file(profile, view, suffix)])
    _show(profile, view, terminal)
    return ExitCode.OK


def wanted_of(profile: "Profile", selection: "Selection") -> "Wanted":
    """Return which steps of a profile are wanted.

    Raises:
        UsageError: the filters match nothing that was profiled.
    """
    layers = [step.layer for step in profile.steps if step.layer is not None]
    selection.check_layers(1 + max(layers, default=-1))
    wanted = selection.of({step.path: step.type if step.kind == "module" else "" for step in reversed(profile.steps)})
    wanted.check([(step.path, step.layer) for step in profile.steps])
    return wanted


def _show(profile: "Profile", view: "View", terminal: Terminal) -> None:
    from ..render.profiles.page import profile_page, profile_summary

    terminal.show(profile_page(profile, view), summary=lambda: profile_summary(profile))


def _unit(profile: "Profile", spec: str) -> "RenderableType":
    """Return what one unit does.

    Raises:
        UsageError: it is not written as a unit, or the profile says nothing of it.
    """
    from ..profiles.findings.units import activations
    from ..render.profiles.unit_rows import unit_page
    from ..traces.edits import parse_edit

    try:
        edit = parse_edit(spec)
    except UsageError as error:
        raise _no_unit(spec) from error
    if edit.kind != "neuron" or edit.how != "zero" or edit.layer is None or edit.number is None:
        raise _no_unit(spec)
    there = dict(activations(profile))
    held = there.get(edit.layer)
    if held is None or held.dimensions is None:
        known = ", ".join(map(str, sorted(there))) or "none"
        raise UsageError(f"this profile tells of no unit in layer {edit.layer}", f"it does of these layers: {known}")
    count = len(held.dimensions.zeros)
    if edit.number >= count:
        raise UsageError(f"there is no unit {edit.number}: a layer has units 0 to {count - 1}", "they count from 0")
    if not held.dimensions.examples:
        raise UsageError("this profile keeps no examples", "profile the corpus again with --examples")
    return unit_page(edit.layer, edit.number, held.made_as, held.dimensions)


def _no_unit(spec: str) -> UsageError:
    return UsageError(f"{spec[:80]!r} names no unit", "write layer.3.neuron.12")


def _file(profile: "Profile", view: "View", suffix: str) -> bytes:
    """Return a profile as the bytes of a page or a picture."""
    if suffix == ".html":
        from ..render.report import profile_html

        return profile_html(profile).encode()
    from ..render.profiles.picture import profile_svg

    return drawn(profile_svg(profile), suffix)
