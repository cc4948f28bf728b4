"""The page on a profile: what stands out, the map of magnitudes, heads, units, the range of every step, answers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from markupsafe import Markup

from ...profiles.findings.found import Findings, findings
from ...profiles.findings.looks import Look
from ...profiles.findings.ranges import Range, worst
from ...profiles.findings.units import Units, activations
from ...profiles.histogram import bins
from ...profiles.record import Answers, Example, Profile
from ...safetext import safe_document, safe_text
from ..outcome.meaning import means_something, named, percent
from ..profiles import map_image, said
from ..profiles.answer_rows import told
from ..profiles.head_rows import RULE, baseline, entropy, legend, mean_entropy, sign
from ..profiles.range_rows import LEGEND, loss, warns, zeroed
from ..profiles.unit_rows import counted, mostly_zero
from ..words import number
from .document import inlined, policy, template
from .facts import facts_of_profile

_STYLES = ("page.css", "profile.css")
_WORST = 12
_BINS, _HIGH = 64, 20
_SHADES = 8
_STRONGEST = 3
"""So many units of a layer are shown with what drives them."""


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A range as the page shows it."""

    name: str
    picture: Markup
    numbers: list[str]
    warns: bool
    not_finite: str


@dataclass(frozen=True, kw_only=True)
class _Cell:
    """A head as the page shows it."""

    sign: str
    shade: int
    sink: bool
    told: str


def profile_html(profile: Profile) -> str:
    """Return the page."""
    style, _ = inlined(_STYLES, ())
    found = findings(profile)
    meant = means_something(profile.model)
    answers = profile.answers if profile.answers is not None and any(profile.answers.counts) else None
    page = template("profile.html.j2").render(
        title=title(profile),
        policy=policy([style], []),
        style=Markup(style),
        noise=said.noise(profile),
        corpus=f"{said.files(profile.input)}: {said.corpus(profile)}.",
        blocks=_sentence(said.blocks(profile.input)),
        selected=said.selection(profile),
        nothing=said.nothing(profile.input),
        rule=_sentence(said.RULE),
        outliers=[(one.dimension, said.outlier(one, len(found.magnitudes))) for one in found.outliers],
        no_outliers=_sentence(said.no_outliers(found)),
        massive=[(one.dimension, said.massive(one)) for one in found.massive],
        no_massive=_sentence(said.NO_MASSIVE),
        not_finite=[(said.name(one.held), one.not_finite) for one in found.not_finite],
        map=_map(found),
        heads=[(row[0].layer, [_cell(look) for look in row], mean_entropy(row)) for row in found.heads if row],
        head_count=max(map(len, found.heads), default=0),
        head_rule=f"{RULE[:1].upper()}{RULE[1:]}",
        head_baseline=_sentence(baseline(found.heads)),
        head_legend=legend(found.heads).replace("  ", ", "),
        looks=[_sentence(f"{layer}: {words}") for layer, words in said.looks(found.heads)],
        units=_sentence(said.units(found.units)),
        unit_rows=[_unit_row(layer) for layer in found.units if _tells(layer)],
        driven=_driven(profile, found.units),
        worst=[_row(one) for one in worst(found.ranges)[:_WORST]],
        groups=[(group, [_row(one) for one in several]) for group, several in _grouped(found.ranges)],
        columns=_COLUMNS,
        legend=_sentence(LEGEND),
        answers=_answers(answers) if answers is not None and meant else None,
        no_answers=answers is not None and not meant,
        facts=facts_of_profile(profile.model, profile.environment),
    )
    return safe_document(page)


def title(profile: Profile) -> str:
    """Return what stands above the page."""
    return f"Profile of {safe_text(profile.model.name or profile.model.class_)}"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _map(found: Findings) -> dict[str, object] | None:
    if not found.magnitudes:
        return None
    pictures, each = map_image.images(found.magnitudes)
    return {
        "rows": list(found.magnitudes),
        "images": pictures,
        "ticks": [(name, f"{100 * along:.2f}%") for name, along in map_image.ticks(found.magnitudes)],
        "legend": map_image.legend(each),
    }


def _cell(look: Look) -> _Cell:
    shares = "".join(f"; {place} {percent(share)}" for place, share in look.shares.items() if not math.isnan(share))
    share = look.on_special if look.sink and look.place is None else look.shares[look.largest]
    shade = 0 if not (look.place or look.sink) or not share >= 0 else min(_SHADES, 1 + int(share * _SHADES))
    text = f"layer {look.layer}, head {look.head}: {entropy(look)}{shares}"
    return _Cell(sign=sign(look), shade=shade, sink=look.sink, told=text)


def _tells(layer: Units) -> bool:
    return bool(layer.dead or layer.nearly_dead or mostly_zero(layer))


def _unit_row(layer: Units) -> list[str]:
    return [str(layer.layer), *map(counted, (layer.dead, layer.nearly_dead, mostly_zero(layer)))]


def _driven(profile: Profile, found: Sequence[Units]) -> list[tuple[int, list[tuple[int, list[dict[str, str]]]]]]:
    """Return for each layer the units with the largest activations, each with the tokens that drive it most."""
    largest = {layer.layer: np.nan_to_num(layer.largest, nan=0.0, posinf=0.0) for layer in found}
    told = []
    for layer, held in activations(profile):
        if held.dimensions is None or not held.dimensions.examples or layer not in largest:
            continue
        strongest = np.argsort(-largest[layer], kind="stable")[:_STRONGEST].tolist()
        told.append((layer, [(unit, [*map(_example, held.dimensions.examples[unit])]) for unit in strongest]))
    return told


def _example(one: Example) -> dict[str, str]:
    texts = {name: safe_text(getattr(one, name)) for name in ("before", "token", "after")}
    return {**texts, "value": number(one.value), "sentence": str(one.sentence)}


_COLUMNS = ("int8 error", "to 0", "min", "1 %", "median", "99 %", "max", "mean", "std", "zeros")


def _row(one: Range) -> _Row:
    numbers = one.held.numbers
    assert numbers is not None
    least, most, mean, deviation = (
        "-" if each is None else number(each) for each in (numbers.min, numbers.max, numbers.mean, numbers.std)
    )
    quantiles = map(number, (one.low, one.median, one.high))
    low, median, high = quantiles
    zeros = said.share(one.zeros) or "0"
    return _Row(
        name=said.name(one.held),
        picture=_histogram(one),
        numbers=[loss(one), zeroed(one), least, low, median, high, most, mean, deviation, zeros],
        warns=warns(one),
        not_finite=one.not_finite,
    )


def _histogram(one: Range) -> Markup:
    """Return the histogram of a tensor from its smallest number to its largest, each bar as high as the square root of
    its share.
    """
    numbers = one.held.numbers
    shares = np.zeros(0) if numbers is None else bins(numbers, _BINS)
    if not shares.size or not shares.max() > 0:
        return Markup("")
    heights = np.sqrt(shares / shares.max()) * _HIGH
    bars = "".join(
        f"M{at} {_HIGH}V{_HIGH - max(height, 0.6):.3g}h1V{_HIGH}" for at, height in enumerate(heights) if height > 0
    )
    return Markup(
        f'<svg class="hist" viewBox="0 0 {_BINS} {_HIGH}" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="{bars}"/></svg>'
    )


def _grouped(found: Sequence[Range]) -> list[tuple[str, list[Range]]]:
    """Return ranges in the order in which they run, those of a layer together."""

    def where(one: Range) -> str:
        step = one.held.step
        return step.part or "model" if step.layer is None else f"layer {step.layer}"

    return [(group, [*several]) for group, several in groupby(found, key=where)]


def _answers(found: Answers) -> dict[str, object]:
    total = sum(found.counts)
    order = sorted(range(len(found.classes)), key=lambda place: -found.counts[place])[:20]
    return {
        "of": found.of,
        "rows": [
            (named(found.classes[place], place, meant=True), f"{count:,}", percent(count / total))
            for place, count in ((place, found.counts[place]) for place in order)
        ],
        "more": max(0, len(found.classes) - len(order)),
        "told": [*map(_sentence, told(found))],
        "bins": [
            (
                f"{10 * place} to {10 * place + 10} %",
                f"{one.count:,}",
                "-" if one.probability is None else percent(one.probability),
                percent(one.right / one.count),
            )
            for place, one in enumerate(found.bins)
            if one.count
        ],
    }
