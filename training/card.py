"""Write the figures of results.json into the tables of the card, and say which bar is missed."""

from collections.abc import Iterator, Sequence
from typing import Any

from results import put, read, table

NAMES = {"movies": "movie snippets", "products": "product snippets", "tweets": "tweets", "all": "all three"}


def percent(share: float) -> str:
    """Write a share as a percentage with one decimal."""
    return f"{100 * share:.1f} %"


def mark(right: bool) -> str:
    """Write whether an answer is right, readable without colour."""
    return "right" if right else "WRONG"


def tally(answers: Sequence[dict[str, Any]]) -> str:
    """Write how many of these answers are right."""
    return f"{sum(one['right'] for one in answers)} of {len(answers)}"


def bars(found: dict[str, Any]) -> Iterator[tuple[str, str, str, bool]]:
    """Yield each bar: what is measured, what it has to be, what was found, whether that reaches it."""
    movies, everything = (found["held out"]["sources"][name] for name in ("movies", "all"))
    share = movies["accuracy"]
    lead = share - movies["vader"]["accuracy"]
    kinder = share - movies["vader"]["accuracy, undecided as half"]
    error = everything["calibration error"]
    yield (
        "accuracy on held-out movie snippets",
        "at least 86 %",
        percent(movies["accuracy"]),
        movies["accuracy"] >= 0.86,
    )
    yield (
        "the same, ahead of the VADER lexicon's compound score",
        "at least 15 points",
        f"{100 * lead:.1f} points ({100 * kinder:.1f} where a score of 0 counts as half right)",
        lead >= 0.15,
    )
    yield "expected calibration error, all held-out texts", "at most 0.05", f"{error:.3f}", error <= 0.05
    for one in found["greetings"]:
        said = f"{'positive' if one['positive'] > 0.5 else 'negative'} ({one['positive']:.3f} positive)"
        yield f"`{one['sentence']}`", one["label"], said, one["right"]
    right = sum(one["right"] for one in found["everyday"])
    yield "everyday sentences written for this", "at least 95 of 100", tally(found["everyday"]), right >= 95
    right = sum(one["right"] for one in found["pairs"])
    yield "minimal pairs written for this", "at least 24 of 30", tally(found["pairs"]), right >= 24


def by_source(found: dict[str, Any]) -> list[str]:
    """Return the table of the three sources."""
    lines = []
    for name, one in found["held out"]["sources"].items():
        low, high = one["interval"]
        lines.append(
            (
                NAMES[name],
                one["texts"],
                percent(one["accuracy"]),
                f"{100 * low:.1f} to {100 * high:.1f}",
                f"{one['calibration error']:.3f}",
                percent(one["vader"]["accuracy"]),
                one["vader"]["undecided"],
            )
        )
    head = ("held-out texts", "how many", "accuracy", "95 % interval", "calibration error", "VADER", "VADER undecided")
    return table(head, sorted(lines, key=lambda line: list(NAMES.values()).index(str(line[0]))))


def reliability(found: dict[str, Any]) -> list[str]:
    """Return the table of the bins that the calibration error is made of."""
    lines = [
        (f"{one['low']:.2f} to {one['high']:.2f}", one["count"], percent(one["confidence"]), percent(one["accuracy"]))
        for one in found["held out"]["bins"]
    ]
    return table(("confidence", "texts", "mean confidence", "accuracy"), lines)


def by_rating(found: dict[str, Any]) -> list[str]:
    """Return the table of how accuracy depends on how clearly a text is rated."""
    bands = found["held out"]["by rating"]
    lines = [(f"{one['low']:g} to {one['high']:g}", one["texts"], percent(one["accuracy"])) for one in bands]
    vague = found["held out"]["near zero"]
    texts = (
        f"Of the {vague['texts']} held-out texts that are rated nearer to zero than {found['clear']:g}, the model is"
    )
    head = ("rating, from zero", "texts", "accuracy")
    return [*table(head, lines), "", f"{texts} at least 90 % sure of a side for {vague['sure']}."]


def made(found: dict[str, Any]) -> list[str]:
    """Return the lines about how the folder was made."""
    own = found["made"]
    counted = own["texts"]
    head = ("source", "training", "tuning", "left out", "held out", "of those clearly rated")
    parts = ("training", "tuning", "left out", "held out", "held out, clear")
    lines = [[NAMES[name], *(counted[name].get(part, 0) for part in parts)] for name in counted]
    total = [sum(counted[name].get(part, 0) for name in counted) for part in parts]
    versions = ", ".join(f"{name} {number}" for name, number in own["versions"].items())
    half = own["float16"]
    moved = half["largest change of a held-out probability"]
    return [
        *table(head, [*lines, ["together", *total]]),
        "",
        f"- Settings: {', '.join(f'{name} {value}' for name, value in own['settings'].items())}.",
        f"- Temperature, folded into the classifier: {own['temperature']}.",
        f"- Storing in float16 moves a held-out probability by at most {moved}"
        f" and turns {half['held-out sides changed']} of the {total[3]} answers.",
        f"- An epoch took {own['seconds an epoch'] / 60:.0f} minutes on two shared cores.",
        f"- Made with {versions}.",
        f"- `model.safetensors`: {own['bytes'] / 1e6:.1f} MB, sha256 `{own['sha256']}`.",
    ]


def repeated(found: dict[str, Any]) -> list[str]:
    """Return the lines about training again; that about the whole training only if these are still the weights."""
    whole = found.get("whole", {})
    return [*found["repeat"], *([whole["line"]] if whole.get("sha256") == found["made"]["sha256"] else [])]


def sentences(found: dict[str, Any]) -> list[str]:
    """Return the table of everyday sentences."""
    lines = [(one["sentence"], one["label"], f"{one['positive']:.3f}", mark(one["right"])) for one in found["everyday"]]
    return table(("sentence", "label", "positive", "answer"), lines)


def pairs(found: dict[str, Any]) -> list[str]:
    """Return how many pairs of each kind are right, and the table of them all."""
    kinds = list(dict.fromkeys(one["kind"] for one in found["pairs"]))
    told = [f"{kind} {tally([one for one in found['pairs'] if one['kind'] == kind])}" for kind in kinds]
    lines = []
    for one in found["pairs"]:
        cells = [f"{one[f'{which} sentence']} ({one[f'{which} label']})" for which in ("first", "second")]
        numbers = [f"{one[f'{which} positive']:.3f}" for which in ("first", "second")]
        lines.append((one["kind"], cells[0], numbers[0], cells[1], numbers[1], mark(one["right"])))
    head = ("kind", "first sentence (label)", "positive", "second sentence (label)", "positive", "answer")
    return [f"Right: {', '.join(told)}.", "", *table(head, lines)]


def main() -> None:
    """Write every table, and print the bars."""
    found = read()
    held = list(bars(found))
    lines = [(what, target, said, "reached" if reached else "MISSED") for what, target, said, reached in held]
    put("bars", table(("what", "held to", "found", "verdict"), lines))
    put("sources", by_source(found))
    put("reliability", reliability(found))
    put("ratings", by_rating(found))
    put("made", made(found))
    put("repeat", repeated(found))
    put("everyday", sentences(found))
    put("pairs", pairs(found))
    for what, target, said, reached in held:
        print(f"{'reached' if reached else 'MISSED '}  {what}: {said} ({target})")


if __name__ == "__main__":
    main()
