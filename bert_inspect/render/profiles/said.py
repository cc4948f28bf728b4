"""A profile in words: what it is of, and each thing that stands out."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from ...diff.words import times as multiple
from ...diff.words import where
from ...profiles.coverage import missing
from ...profiles.findings.found import Findings
from ...profiles.findings.looks import Look
from ...profiles.findings.massive import SIZE, TIMES, Massive
from ...profiles.findings.outliers import TIMES as OUTLYING
from ...profiles.findings.outliers import Outlier
from ...profiles.findings.units import NEARLY, Units
from ...profiles.record import Corpus, Profile
from ...profiles.tensors import Tensor
from ...safetext import safe_text
from ...traces.vocabulary.places import PLACES
from ..outcome.meaning import NO_ANSWER, means_something, percent
from ..words import number, plural

_FILES = 3
_NAMED = 12
RULE = (
    "an outlier dimension: its root mean square is more than 3 standard deviations above the mean of all dimensions, "
    f"and at least {OUTLYING:.0f} times their median, in at least half of the hidden states"
)


def noise(profile: Profile) -> str:
    """Return what has to be known before anything is believed of a profile; empty where the weights are trained."""
    if profile.model.weights == "random":
        return "The weights are random: this profile describes an untrained model."
    return "" if means_something(profile.model) else f"{NO_ANSWER.get(profile.model.weights, '')}."


def corpus(profile: Profile) -> str:
    """Return how much was profiled: ``204 sentences, 7,592 tokens, 3 of them cut``."""
    found = profile.input
    told = f"{plural(found.sentences, 'sentence')}, {plural(found.tokens, 'token')}"
    return told + (f"; {plural(found.cut, 'sentence')} cut" if found.cut else "")


def files(found: Corpus) -> str:
    """Return the files of a corpus, the first of many."""
    named = ", ".join(safe_text(name, most=200) for name in found.files[:_FILES])
    more = len(found.files) - _FILES
    return f"{named} and {plural(more, 'more file')}" if more > 0 else named


def blocks(found: Corpus) -> str:
    """Return which blocks of its corpus a profile holds, empty where it holds all of them."""
    rest = missing(found)
    if not rest:
        return ""
    lack = sum(last - first + 1 for first, last in rest)
    held = found.blocks - lack
    told = f"{spans(rest[:_NAMED])}{' ...' if len(rest) > _NAMED else ''}"
    return (
        f"{'only ' if held else ''}{held:,} of {plural(found.blocks, 'block')} of the corpus "
        f"{'is' if held == 1 else 'are'} in this profile: {'block' if lack == 1 else 'blocks'} {told} "
        f"{'is' if lack == 1 else 'are'} missing"
    )


def nothing(found: Corpus) -> str:
    """Return what is said of a profile that holds no sentence, as that of a shard of fewer blocks; empty of others."""
    return "" if found.sentences else "No sentence is in this profile: merge it with those of the other shards."


def selection(profile: Profile) -> str:
    """Return the filters that were active when the profile was made, empty where there were none."""
    return safe_text(", ".join(f"{name} {value}" for name, value in profile.selection.items()))


def spans(found: Iterable[tuple[int, int]]) -> str:
    """Return runs of numbers: ``0-3, 5``."""
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in found)


def numbers(found: Iterable[int]) -> str:
    """Return numbers in order, those that follow each other as a run."""
    runs: list[tuple[int, int]] = []
    for one in sorted(found):
        if runs and runs[-1][1] == one - 1:
            runs[-1] = runs[-1][0], one
        else:
            runs.append((one, one))
    return spans(runs)


def name(held: Tensor) -> str:
    """Return what a tensor is and where it stands: ``layer 3, output, layer norm``."""
    label = where(held.step) or held.step.type or held.step.path
    if not held.step.label:
        label = f"{label}, {held.step.type}" if label != held.step.type else label
    what = held.output.label or (held.made_as if held.at and held.made_as != held.step.label else "")
    return safe_text(f"{label}, {what}" if what else label)


def outlier(found: Outlier, every: int) -> str:
    """Return an outlier in words, but for its number; ``every`` is how many hidden states there are."""
    most = found.farthest
    told = f"{multiple(found.most)} times the median, {_deviations(found.deviations[most])} above the mean"
    where_ = "every hidden state" if len(found.times) == every else f"hidden states {numbers(found.times)}"
    if len(found.times) == 1:
        return f"{told}, in hidden state {most}"
    return f"{told} in hidden state {most}; in {where_}"


def _deviations(number_: float) -> str:
    return f"{number_:.1f} standard deviations"


def no_outliers(found: Findings) -> str:
    """Return that there is no outlier dimension, and which dimension comes nearest."""
    if not found.magnitudes:
        return "no hidden state is in this profile by dimension"
    nearest = found.largest
    if nearest is None:
        return "no dimension stands out"
    return (
        f"no dimension stands out in half of the hidden states; the largest is dimension {nearest.dimension}, "
        f"{multiple(nearest.most)} times the median in hidden state {nearest.farthest}"
    )


def massive(found: Massive) -> str:
    """Return a massive activation in words."""
    times = f"{multiple(found.times)} times the median magnitude" if found.times < 1e300 else "where the median is 0"
    return f"{number(found.largest)}, {times}, in hidden state {found.hidden_state}"


NO_MASSIVE = f"no massive activation (above {SIZE:.0f}, and {TIMES:,.0f} times the median magnitude)"


def units(found: Sequence[Units]) -> str:
    """Return in a sentence how many units are dead."""
    if not found:
        return "no feed-forward part is in this profile by unit"
    count = sum(layer.count for layer in found)
    dead, nearly = sum(len(layer.dead) for layer in found), sum(len(layer.nearly_dead) for layer in found)
    kind = safe_text(found[0].label)
    told = f"of {count:,} units ({kind}) {_none(dead)} dead (0 on every token)"
    return f"{told} and {_none(nearly)} nearly dead (below {NEARLY:g} of the layer's largest)"


def _none(count: int) -> str:
    return "none is" if not count else "1 is" if count == 1 else f"{count:,} are"


def some(found: Sequence[int]) -> str:
    """Return the first of many numbers of units."""
    told = numbers(found[:_NAMED])
    return f"{told} and {len(found) - _NAMED:,} more" if len(found) > _NAMED else told


def looks(found: Sequence[Sequence[Look]]) -> Iterator[tuple[str, str]]:
    """Yield what the heads of a layer that look at one place do: the layer, and the heads in words."""
    for row in found:
        together: dict[tuple[str, bool], list[Look]] = defaultdict(list)
        for look in row:
            if look.place is not None:
                together[PLACES[look.place], look.sink].append(look)
            elif look.sink:
                together["the first token and separators together", True].append(look)
        for (where_, sink), several in together.items():
            heads = f"head{'' if len(several) == 1 else 's'} {numbers(look.head for look in several)}"
            shares = [_share(look) for look in several]
            low, high = percent(min(shares)), percent(max(shares))
            share = high if low == high else f"{low.removesuffix(' %')} to {high}"
            verb = "looks" if len(several) == 1 else "look"
            yield f"layer {row[0].layer}", f"{heads} {verb} at {where_} ({share}{', sink' if sink else ''})"


def _share(look: Look) -> float:
    return look.on_special if look.place is None else look.shares[look.place]


def share(found: float) -> str:
    """Return a share of numbers in percent; empty where it is 0, so that what there is stands out."""
    return "" if found == 0 else percent(found)
