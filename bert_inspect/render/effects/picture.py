"""Effects as SVG: what was done and how it is read, then what each edit does, or what each patch carries over."""

from collections.abc import Iterator

from ...analysis.effects.record import Effects
from ...safetext import safe_text
from ..explain.svg.drawing import LINE, Drawing
from . import patch_said, said
from .ablate_picture import draw_ablation
from .maps import EffectMap, head_map, patch_map
from .patch_picture import draw_patches
from .picture_parts import width_of
from .view import View


def effects_svg(found: Effects, view: View) -> str:
    """Return the picture, light or dark as the page that shows it."""
    warning = noise(found)
    drawing = Drawing(width_of(list(_maps(found))), noise=bool(warning))
    drawing.y = 20.0
    drawing.paragraph(title(found), "title", size=20)
    drawing.y += 9
    if warning:
        drawing.paragraph(warning, "bad")
    for note in notes(found):
        drawing.paragraph(note, "quiet")
    draw = draw_patches if found.command == "patch" else draw_ablation
    draw(drawing, found, view)
    drawing.y -= LINE
    return drawing.svg(title(found), name="effects")


def title(found: Effects) -> str:
    """Return what stands above effects."""
    name = safe_text(found.model.name or found.model.class_)
    if found.command == "patch":
        return f"Which {patch_said.PLURALS[found.each]} carry the answer of {name} over"
    return f"What each {said.UNITS[found.each]} does to the answer of {name}"


def noise(found: Effects) -> str:
    """Return why effects mean nothing, empty where they mean something."""
    return patch_said.noise(found.model) if found.command == "patch" else said.noise(found.model)


def notes(found: Effects) -> list[str]:
    """Return what was done, and what has to be known to read the numbers."""
    return [patch_said.done(found), patch_said.reading(found)] if found.command == "patch" else said.notes(found)


def _maps(found: Effects) -> Iterator[EffectMap]:
    """Yield the maps that are drawn."""
    for answer in found.answers:
        drawn = patch_map(found, answer) if found.command == "patch" else None
        if found.command == "ablate" and found.each == "head":
            drawn = head_map(answer.effects)
        if drawn is not None:
            yield drawn
    if found.means and found.each == "head":
        yield head_map(found.means)
