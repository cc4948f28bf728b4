"""From the words for modules, as people write them, to the modules that are meant: one matcher for every command."""

import difflib
import re
from collections.abc import Mapping, Sequence, Set
from fnmatch import fnmatchcase
from functools import lru_cache

from ..errors import UsageError


def matching(pattern: str, modules: Mapping[str, str]) -> list[str]:
    """Return the paths of the modules that a pattern names, in the model's order.

    A pattern is a path, or a glob over whole paths; where no path is like that it is the end of a path
    (``attention.self``, ``layer.[0-3].output``), and where none ends so it is a class (``BertPooler``).

    Args:
        pattern: the user's words.
        modules: the class of each module by its path; empty where it is not known.

    Raises:
        UsageError: no module is meant; names the nearest that there are.
    """
    found = (
        [path for path in modules if matches(pattern, path)]
        or [path for path in modules if matches(f"**.{pattern}", path)]
        or [path for path, type_ in modules.items() if type_ == pattern and type_]
    )
    if not found:
        raise _no_such_module(pattern, modules)
    return found


def with_everything_below(paths: Sequence[str], modules: Mapping[str, str]) -> frozenset[str]:
    """Return the paths, and those of all modules inside of these modules."""
    chosen = set(paths)
    lengths = sorted(set(map(len, chosen)))  # a few, however many parts a path has
    return frozenset(path for path in modules if "" in chosen or _is_below(path, chosen, lengths))


def _is_below(path: str, chosen: Set[str], lengths: Sequence[int]) -> bool:
    """Whether a path is one of those that are chosen, or goes on from one."""
    return any(path[:end] in chosen and path[end : end + 1] in ("", ".") for end in lengths if end <= len(path))


@lru_cache(maxsize=65536)
def matches(pattern: str, path: str) -> bool:
    """Whether a path pattern matches a module path: ``*``, ``?`` and ``[...]`` within a segment, ``**`` for any
    number of segments, none included. The root's path is empty and has no segments.
    """
    return _match(_segments(pattern), _segments(path))


def _segments(path: str) -> list[str]:
    return path.split(".") if path else []


def _match(patterns: list[str], segments: list[str]) -> bool:
    """Match segment by segment; where it goes wrong, the last ``**`` takes one more. No pattern takes longer than
    its length times the path's.
    """
    at = here = 0
    stars, taken = -1, 0
    while here < len(segments):
        if at < len(patterns) and patterns[at] == "**":
            stars, taken = at, here
            at += 1
        elif at < len(patterns) and fnmatchcase(segments[here], patterns[at]):
            at += 1
            here += 1
        elif stars >= 0:
            taken += 1
            at, here = stars + 1, taken
        else:
            return False
    return all(pattern == "**" for pattern in patterns[at:])


def _no_such_module(pattern: str, modules: Mapping[str, str]) -> UsageError:
    """Return the error for what names no module, with the nearest that there are."""
    classes = sorted(set(modules.values()) - {""})
    near = difflib.get_close_matches(pattern, classes, n=3, cutoff=0.8) or near_paths(pattern, list(modules))
    hint = "did you mean " + " or ".join(near) + "?" if near else "bert-inspect model lists the paths"
    return UsageError(f"no module matches {pattern!r}", hint)


def near_paths(pattern: str, known: Sequence[str], *, count: int = 3) -> list[str]:
    """Return the module paths most like ``pattern``: those that end alike first, then those spelled alike."""
    plain = re.sub(r"[*?\[\]]+\.?", "", pattern).strip(".")
    if not plain:
        return []
    ends = [path for path in known if path.endswith("." + plain)]
    if ends:
        return ends[:count]
    last = plain.rsplit(".", 1)[-1]
    near = difflib.get_close_matches(plain, known, n=count, cutoff=0.6)
    if near:
        return near
    names = {path.rsplit(".", 1)[-1] for path in known if path}
    alike = difflib.get_close_matches(last, sorted(names), n=1, cutoff=0.6)
    return [path for path in known if alike and path.rsplit(".", 1)[-1] == alike[0]][:count]
