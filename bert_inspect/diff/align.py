"""Which steps, sentences and tokens of two traces belong together."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

from msgspec import structs

from ..traces.record import Input, Step, TensorOut
from ..traces.token_text import shown_token
from ..traces.vocabulary import roles
from ..traces.vocabulary.axes import FOLDED, TOKEN_AXES
from .align_words import Aligned, align_words
from .places import Place, Places


class CannotAlign(Exception):
    """Two tensors whose entries do not belong together, and why. ``differ`` says that this is a difference of the
    runs; else they merely cannot be compared.
    """

    def __init__(self, why: str, *, differ: bool) -> None:
        super().__init__(why)
        self.why = why
        self.differ = differ


def align_steps(a: Sequence[Step], b: Sequence[Step], places: Places) -> dict[int, int]:
    """Return, for each step of ``a`` that has a partner in ``b``, the partner's id.

    Steps belong together by their `Places`, and by which of the steps of one place they are. Calls of modules that the
    two traces call another number of times have no partner, nor has what ran in them: each holds another part of the
    tensor, or nobody knows which.
    """
    calls_a, calls_b = _calls(a, places), _calls(b, places)
    uneven = {place for place in calls_a if place in calls_b and calls_a[place] != calls_b[place]}
    partners = {key: step.id for key, step in _keys(b, places)}
    return {
        step.id: partners[key]
        for key, step in _keys(a, places)
        if key in partners and not (step.path and places.of_module(step) in uneven)
    }


def _calls(steps: Sequence[Step], places: Places) -> Counter[Place]:
    return Counter(places.of_module(step) for step in steps if step.kind == "module")


def _keys(steps: Sequence[Step], places: Places) -> Iterator[tuple[Place, Step]]:
    """Yield each step that may have a partner with what it is aligned by."""
    calls = _named_calls(steps)
    seen: Counter[Place] = Counter()
    for step in steps:
        name, call = calls.get((step.path, step.call), ("", step.call))
        if (place := places.of(structs.replace(step, call=call) if name else step)) is not None:
            yield (*place, name, seen[*place, name]), step
            seen[*place, name] += 1


def _named_calls(steps: Sequence[Step]) -> dict[tuple[str, int], tuple[str, int]]:
    """Return the calls of modules that are something else in one call than in another, by their path and number: what
    they are, and which of the calls that are so. A rotary embedding may be called for local layers first in one run,
    and last in another.
    """
    called: dict[str, list[Step]] = {}
    for step in steps:
        if step.kind == "module" and step.role != roles.LAYER:
            called.setdefault(step.path, []).append(step)
    found: dict[tuple[str, int], tuple[str, int]] = {}
    for path, calls in called.items():
        if len({step.label for step in calls}) > 1:
            seen: Counter[str] = Counter()
            for step in calls:
                found[path, step.call] = step.label, seen[step.label]
                seen[step.label] += 1
    return found


@dataclass(frozen=True)
class RowPair:
    """A sentence's row in either batch, and which of its real tokens belong together."""

    a: int
    b: int
    tokens_a: list[int]
    tokens_b: list[int]


@dataclass(frozen=True, kw_only=True)
class Rows:
    """How two batches belong together.

    ``batch`` and ``length`` are the sizes of the two batches' axes. ``complete`` means that every sentence of either
    has its partner, ``same_padding`` that moreover each is padded as its partner is, ``same_layout`` that they stand in
    the same order too, ``padded`` that some position of either is padding, ``other_texts`` that the batches have no
    sentence in common, so that numbers are expected to differ. ``notes`` say what is not alike.
    """

    pairs: list[RowPair]
    batch: tuple[int, int]
    length: tuple[int, int]
    complete: bool
    same_padding: bool
    same_layout: bool
    padded: bool
    other_texts: bool = False
    notes: list[str] = field(default_factory=list)

    def of_one(self, *, first: bool) -> "Rows":
        """Return how one of the two batches belongs together with itself, on what the other has too."""
        pairs = []
        for pair in self.pairs:
            row, tokens = (pair.a, pair.tokens_a) if first else (pair.b, pair.tokens_b)
            pairs.append(RowPair(row, row, tokens, tokens))
        side = 0 if first else 1
        return replace(self, pairs=pairs, batch=(self.batch[side],) * 2, length=(self.length[side],) * 2)


def align_rows(a: Input, b: Input) -> Rows:
    """Pair sentences by their text, in whatever order they stand, and their real tokens by place as far as both go.

    Batches that have no sentence in common are paired row by row, and their tokens by word.
    """
    notes: list[str] = []
    found = _by_text(a, b)
    other_texts = not found and bool(a.texts) and bool(b.texts)
    if other_texts:
        found = [(row, row) for row in range(min(len(a.texts), len(b.texts)))]
    for name, batch, rows in (("A", a, {i for i, _ in found}), ("B", b, {j for _, j in found})):
        if missing := [row + 1 for row in range(len(batch.texts)) if row not in rows]:
            which = f"sentence {missing[0]}" if len(missing) == 1 else f"{len(missing)} sentences"
            notes.append(f"{which} of {name} {'has' if len(missing) == 1 else 'have'} no partner")
    pairs = []
    for i, j in found:
        real_a, real_b = _real(a.attention_mask[i]), _real(b.attention_mask[j])
        if other_texts:
            aligned = align_words(a, i, b, j)
            pairs.append(RowPair(i, j, aligned.places_a, aligned.places_b))
            notes.append(_told_words(aligned, i, len(real_a), len(real_b), several=len(found) > 1))
            continue
        both = min(len(real_a), len(real_b))
        pairs.append(RowPair(i, j, real_a[:both], real_b[:both]))
        if len(real_a) != len(real_b):
            notes.append(f"sentence {i + 1} has {len(real_a)} tokens in A, {len(real_b)} in B: compared up to {both}")
        else:
            tokens = ((_token(a, i, p), _token(b, j, q)) for p, q in zip(real_a, real_b, strict=True))
            if (other := next(((t, *two) for t, two in enumerate(tokens) if two[0] != two[1]), None)) is not None:
                first, in_a, in_b = other
                notes.append(f"inputs of sentence {i + 1} differ from token {first} on: {in_a} against {in_b}")
    complete = len(found) == len(a.texts) == len(b.texts)
    same_padding = complete and all(a.attention_mask[i] == b.attention_mask[j] for i, j in found)
    if other_texts:  # entry by entry only where every word has its partner in the same place
        whole = all(pair.tokens_a == pair.tokens_b == _real(a.attention_mask[pair.a]) for pair in pairs)
        same_padding = same_padding and whole
    return Rows(
        pairs=pairs,
        batch=(len(a.texts), len(b.texts)),
        length=(_longest(a), _longest(b)),
        complete=complete,
        same_padding=same_padding,
        same_layout=same_padding and all(i == j for i, j in found),
        padded=any(not seen for batch in (a, b) for row in batch.attention_mask for seen in row),
        other_texts=other_texts,
        notes=_shortened(notes),
    )


def _told_words(aligned: Aligned, row: int, in_a: int, in_b: int, *, several: bool) -> str:
    """Return what differs in a sentence, and how much of it is compared."""
    lead = f"sentence {row + 1}: " if several else ""
    told = "; ".join(aligned.differences) or "the same tokens"
    both = len(aligned.places_a)
    return f"{lead}{told}; tokens aligned by word: {both} of {in_a} in A with {both} of {in_b} in B"


def _by_text(a: Input, b: Input) -> list[tuple[int, int]]:
    rows_b: dict[tuple[str, str | None], list[int]] = {}
    for row in reversed(range(len(b.texts))):
        rows_b.setdefault(_sentence(b, row), []).append(row)
    found = []
    for row in range(len(a.texts)):
        if rest := rows_b.get(_sentence(a, row)):
            found.append((row, rest.pop()))
    return found


def _sentence(batch: Input, row: int) -> tuple[str, str | None]:
    return batch.texts[row], batch.pairs[row] if batch.pairs is not None else None


def _real(mask: Sequence[int]) -> list[int]:
    return [place for place, seen in enumerate(mask) if seen]


def _token(batch: Input, row: int, place: int) -> str:
    return f"{shown_token(batch, row, place)} (id {batch.input_ids[row][place]})"


def _longest(batch: Input) -> int:
    return max((len(row) for row in batch.tokens), default=0)


def _shortened(notes: list[str], *, most: int = 6) -> list[str]:
    return notes if len(notes) <= most else [*notes[:most], f"... and {len(notes) - most} more"]


def align_axes(a: TensorOut, b: TensorOut, rows: Rows) -> list[int] | None:
    """Hold two tensors' axes against each other and return in which order B's are A's, None for as they stand.

    Raises:
        CannotAlign: they have another number of axes, another size along one that is not of sentences or tokens, or
            nothing says which entries belong together.
    """
    order = None
    shape_b = list(b.shape)
    if a.axes is not None and b.axes is not None and a.axes != b.axes and len(a.axes) == len(b.axes):
        if sorted(a.axes) != sorted(b.axes) or len(set(a.axes)) != len(a.axes):
            raise CannotAlign(f"its axes are {', '.join(a.axes)} in A, {', '.join(b.axes)} in B", differ=False)
        order = [b.axes.index(axis) for axis in a.axes]
        shape_b = [b.shape[place] for place in order]
    if len(a.shape) != len(shape_b):
        raise CannotAlign(f"shapes differ: {a.shape} against {b.shape}", differ=True)
    axes = a.axes if a.axes is not None else b.axes
    if axes is None:
        if rows.same_layout and a.shape != shape_b:
            raise CannotAlign(f"shapes differ: {a.shape} against {b.shape}", differ=True)
        if not rows.same_layout:
            raise CannotAlign("its axes are unknown, and the batches have different layouts", differ=False)
        return order
    for axis, in_a, in_b in zip(axes, a.shape, shape_b, strict=True):
        if axis == "batch" or axis in TOKEN_AXES:
            full = rows.batch if axis == "batch" else rows.length
            fits = [size in (1, whole) for size, whole in zip((in_a, in_b), full, strict=True)]
            if not all(fits) and not (rows.same_layout and in_a == in_b):
                batches = f"in batches of {full[0]} and {full[1]}"
                raise CannotAlign(f"{axis} {in_a} against {in_b} {batches}", differ=any(fits))
        elif axis == FOLDED:
            if in_a == in_b == 1:  # the same for all of them
                continue
            if any(size % (batch or 1) for size, batch in zip((in_a, in_b), rows.batch, strict=True)):
                batches = f"in batches of {rows.batch[0]} and {rows.batch[1]}"
                raise CannotAlign(f"{axis} {in_a} against {in_b} {batches}", differ=False)
            if in_a * rows.batch[1] != in_b * rows.batch[0]:
                raise CannotAlign(f"shapes differ: {axis} {in_a} against {in_b}", differ=True)
        elif in_a != in_b:
            raise CannotAlign(f"shapes differ: {axis} {in_a} against {in_b}", differ=True)
    if not axes and not rows.complete:
        raise CannotAlign(
            "it is one number for the whole batch, and the batches hold different sentences", differ=False
        )
    return order
