"""The rated texts, cleaned and split; ``python training/data.py`` tells how many there are of each."""

import hashlib
import html
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from sentences import ours
from sources import rated

SOURCES = {"movies": "movieReviewSnippets", "products": "amazonReviewSnippets", "tweets": "tweets"}
SHARES = {"held out": 0.10, "tuning": 0.05}  # the rest trains
CLEAR = 0.5  # a text counts as positive or negative when its rating is at least this far from zero
SHARED, CONTAINED, ENOUGH = 0.5, 0.8, 4


class Text(NamedTuple):
    """One text with the mean of its ratings, from -4 to 4, and the part of the split that it is in."""

    source: str
    number: str
    rating: float
    text: str
    part: str

    @property
    def clear(self) -> bool:
        """Whether the rating says on which side the text is."""
        return abs(self.rating) >= CLEAR


def clean(text: str) -> str:
    """Turn HTML entities into characters and runs of white space into one space."""
    return " ".join(html.unescape(text).split())


def normalised(text: str) -> str:
    """Return the text's words in lower case, without links, user names and marks: what decides on its part."""
    kept = re.sub(r"https?://\S+|@\w+", " ", text.lower())
    return " ".join(re.findall(r"[^\W_]+", kept)) or text.lower()


def shingles(text: str) -> frozenset[str]:
    """Return every run of three words of a normalised text; the whole text where it has fewer."""
    words = text.split()
    if len(words) < 3:
        return frozenset([text])
    return frozenset(" ".join(words[start : start + 3]) for start in range(len(words) - 2))


def near(one: frozenset[str], other: frozenset[str]) -> bool:
    """Whether two texts are near-duplicates: half of all their shingles shared, or most of the shorter one's."""
    shared = len(one & other)
    shorter = min(len(one), len(other))
    whole = len(one | other)
    return shared >= SHARED * whole or (shorter >= ENOUGH and shared >= CONTAINED * shorter)


def groups(texts: list[str]) -> list[int]:
    """Return a group for each normalised text, so that near-duplicates are in one."""
    sets = [shingles(text) for text in texts]
    group = list(range(len(texts)))

    def leader(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    holders: dict[str, list[int]] = defaultdict(list)
    for number, own in enumerate(sets):
        met = {earlier for shingle in own for earlier in holders[shingle]}
        for earlier in met:
            if near(own, sets[earlier]):
                group[leader(number)] = leader(earlier)
        for shingle in own:
            holders[shingle].append(number)
    return [leader(number) for number in range(len(texts))]


def part(key: str) -> str:
    """Return the part of the split that a normalised text falls into by its hash."""
    place = int(hashlib.sha256(key.encode()).hexdigest()[:12], 16) / 16**12
    for name, share in SHARES.items():
        if place < share:
            return name
        place -= share
    return "training"


def read() -> Iterator[tuple[str, str, float, str]]:
    """Yield source, number, rating and cleaned text of every rated text."""
    for source, name in SOURCES.items():
        for line in rated(name).splitlines():
            number, rating, text = line.split("\t")
            yield source, number, float(rating), clean(text)


def load() -> list[Text]:
    """Return all texts with their parts; a group of near-duplicates is placed by the first of its texts in order.

    A group that holds one of the sentences written for trying the model is ``left out``.
    """
    rows = list(read())
    texts = [normalised(text) for *_, text in rows]
    written = [normalised(sentence) for sentence in ours()]
    members = groups([*texts, *written])
    keys: dict[int, str] = {}
    for text, group in zip([*texts, *written], members, strict=True):
        keys[group] = min(text, keys.get(group, text))
    parts = {group: part(key) for group, key in keys.items()}
    parts.update(dict.fromkeys(members[len(texts) :], "left out"))
    return [Text(*row, parts[group]) for row, group in zip(rows, members, strict=False)]


def counts(texts: list[Text]) -> dict[str, dict[str, int]]:
    """Return for each source how many texts each part has, and how many of the held-out ones are clearly rated."""
    found: dict[str, Counter[str]] = {source: Counter() for source in SOURCES}
    for text in texts:
        found[text.source][text.part] += 1
        found[text.source]["held out, clear"] += text.part == "held out" and text.clear
    return {source: dict(sorted(counted.items())) for source, counted in found.items()}


if __name__ == "__main__":
    for source, counted in counts(load()).items():
        print(source, counted)
