"""A profile as SVG: what stands out, the map of magnitudes, where the heads look, of which steps int8 loses most."""

from collections.abc import Sequence

from ...profiles.findings.found import Findings, findings
from ...profiles.findings.looks import Look
from ...profiles.findings.ranges import worst
from ...profiles.record import Profile
from ...safetext import safe_text
from ..explain.svg.drawing import LINE, ROW, TEXT, WIDTH, Drawing, n
from ..font import shortened
from ..outcome.meaning import means_something, percent
from . import map_image, said
from .head_rows import RULE, baseline, entropy, legend, sign
from .range_rows import LEGEND

_LEFT = 60.0
_HIGH, _CELL = 16.0, 26.0
_WORST = 12
_NAME, _BAR = 300.0, 240.0


def title(profile: Profile) -> str:
    """Return what stands above the picture."""
    return f"Profile of {safe_text(profile.model.name or profile.model.class_)}"


def profile_svg(profile: Profile) -> str:
    """Return the picture, light or dark as the page that shows it."""
    found = findings(profile)
    drawing = Drawing(max(WIDTH, _LEFT + max(map(len, found.heads), default=0) * _CELL))
    drawing.y = 20.0
    drawing.text(title(profile), 0, drawing.y, "title")
    drawing.y += 26
    drawing.paragraph(f"{said.files(profile.input)}: {said.corpus(profile)}", "quiet")
    for warning in filter(None, (said.noise(profile), said.blocks(profile.input))):
        drawing.paragraph(warning, "bad")
    if nothing := said.nothing(profile.input):
        drawing.paragraph(nothing)
    else:
        _sections(drawing, profile, found)
    drawing.y -= LINE
    return drawing.svg(title(profile), name="profile")


def _sections(drawing: Drawing, profile: Profile, found: Findings) -> None:
    _outliers(drawing, found)
    if found.magnitudes:
        _map(drawing, found)
    _heads(drawing, found.heads)
    _heading(drawing, "Units")
    drawing.paragraph(said.units(found.units))
    _ranges(drawing, found)
    if profile.answers is not None and not means_something(profile.model):
        drawing.y += 8
        drawing.paragraph("Answers: none, the weights that make them are random.", "quiet")


def _heading(drawing: Drawing, text: str) -> None:
    drawing.y += 18
    drawing.text(text, 0, drawing.y, "head")
    drawing.y += 22


def _outliers(drawing: Drawing, found: Findings) -> None:
    _heading(drawing, "Outlier dimensions")
    for one in found.outliers:
        drawing.paragraph(f"dimension {one.dimension}: {said.outlier(one, len(found.magnitudes))}", "strong")
    if not found.outliers:
        drawing.paragraph(said.no_outliers(found))
    for massive in found.massive[:_WORST]:
        drawing.paragraph(f"massive activation, dimension {massive.dimension}: {said.massive(massive)}", "strong")
    for not_finite in found.not_finite:
        drawing.paragraph(f"not finite: {said.name(not_finite.held)}: {not_finite.not_finite}", "bad")


def _map(drawing: Drawing, found: Findings) -> None:
    pictures, each = map_image.images(found.magnitudes)
    wide, high, top = drawing.width - _LEFT, _HIGH * len(found.magnitudes), drawing.y
    drawing.box(_LEFT, top, wide, high, style="empty")
    for picture in pictures:
        drawing.parts.append(
            f'<image x="{n(_LEFT)}" y="{n(top)}" width="{n(wide)}" height="{n(high)}" preserveAspectRatio="none" '
            f'image-rendering="optimizeSpeed" href="{picture}"/>'
        )
    for row, state in enumerate(found.magnitudes):
        drawing.text(str(state), _LEFT - 12, top + _HIGH * row + 12, "quiet end")
    for name, along in map_image.ticks(found.magnitudes):
        drawing.text(str(name), _LEFT + along * wide, top + high + 14, "quiet")
    drawing.y = top + high + 34
    drawing.paragraph(map_image.legend(each), "quiet")


def _heads(drawing: Drawing, found: Sequence[Sequence[Look]]) -> None:
    if not found:
        return
    _heading(drawing, "Heads")
    for head in range(max(map(len, found))):
        drawing.text(str(head), _LEFT + _CELL * (head + 0.5), drawing.y, "quiet mid")
    drawing.y += 8
    for row in found:
        drawing.text(f"layer {row[0].layer}", _LEFT - 12, drawing.y + 16, "quiet end")
        for look in row:
            _head(drawing, look)
        drawing.y += _CELL - 2
    drawing.y += 18
    drawing.paragraph(
        f"{RULE}: {legend(found).replace('  ', ', ')}; sinks are orange; {baseline(found)}",
        "quiet",
    )
    for layer, words in said.looks(found):
        drawing.paragraph(f"{layer}: {words}")


def _head(drawing: Drawing, look: Look) -> None:
    x = _LEFT + _CELL * look.head
    drawing.told(f"layer {look.layer}, head {look.head}: {entropy(look)}")
    drawing.box(x, drawing.y, _CELL - 2, _CELL - 4, style="empty")
    if look.place or look.sink:
        share = look.on_special if look.place is None else look.shares[look.place]
        drawing.box(x, drawing.y, _CELL - 2, _CELL - 4, style="against" if look.sink else "for", opacity=0.6 * share)
    drawing.text(sign(look), x + _CELL / 2 - 1, drawing.y + 15, "mid" if look.place or look.sink else "mid quiet")
    drawing.end()


def _ranges(drawing: Drawing, found: Findings) -> None:
    losing = worst(found.ranges)[:_WORST]
    if not losing:
        return
    _heading(drawing, "What int8 would lose")
    most = max(one.int8.error for one in losing if one.int8 is not None)
    for one in losing:
        if one.int8 is None:
            continue
        drawing.text(shortened(said.name(one.held), TEXT, _NAME - 12), 0, drawing.y)
        drawing.text(percent(one.int8.error), _NAME + 56, drawing.y, "end")
        drawing.box(_NAME + 68, drawing.y - 10, _BAR * one.int8.error / most, 12, style="for")
        drawing.text(f"{percent(one.int8.zeroed)} to 0", _NAME + _BAR + 150, drawing.y, "quiet end")
        drawing.y += ROW
    drawing.y += 6
    drawing.paragraph(LEGEND, "quiet")
