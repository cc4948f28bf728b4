"""Effects in the terminal, a row each: the number, a bar to one side of zero, what is left of the probability."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType
from rich.text import Text

from ...analysis.effects.record import AnswerEffects, Effect, Effects
from ..explain.bars import axis, bar
from ..explain.digits import decimals, plain, signed
from ..explain.scale import quiet_where_zero
from ..explain.sum_rows import fitted
from ..outcome.meaning import fine_percent, means_something
from ..words import DIM, PLAIN
from . import said

_BETWEEN = "  "
_ANSWER = 20


@dataclass(frozen=True, kw_only=True)
class EffectRows:
    """Effects of one answer as a Rich renderable."""

    found: Effects
    answer: AnswerEffects
    effects: Sequence[Effect]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        effects, meant = self.effects, means_something(self.found.model)
        digits = decimals(effect.effect for effect in effects)
        names = ["", *(said.name(self.found, self.answer, effect) for effect in effects)]
        numbers = ["effect", *(signed(effect.effect, digits) for effect in effects)]
        weights = self._importance()
        shares = ["" if effect.probability is None else fine_percent(effect.probability) for effect in effects]
        shares = ["probability" if any(shares) else "", *shares]
        others = [said.other_answer(self.found, effect) for effect in effects]
        others = ["flips to" if any(others) else "", *others]
        places = ["", *(str(effect.tokens[0]) if effect.tokens else "" for effect in effects)]
        place, number, weight, share = (max(map(len, column)) for column in (places, numbers, weights, shares))
        other = min(_ANSWER, max(map(cell_len, others)))
        name = min(max(map(cell_len, names)), said.NAME, max(8, options.max_width // 3))
        taken = sum(width + len(_BETWEEN) for width in (place, name, weight, share, other) if width) + number
        colors = console.color_system if meant else None
        on = axis([effect.effect for effect in effects], options.max_width - taken - len(_BETWEEN))
        for at in range(len(effects) + 1):
            line = Text(no_wrap=True, overflow="ignore")
            style = PLAIN if at and meant else DIM
            if place:
                line.append(places[at].rjust(place) + _BETWEEN, DIM)
            line.append(fitted(names[at], name) + _BETWEEN, style)
            quiet = quiet_where_zero(float(effects[at - 1].effect)) if at and meant else DIM
            line.append(numbers[at].rjust(number), quiet)
            if on:
                drawn = Text(" " * on.width)
                if at:
                    value = float(effects[at - 1].effect)
                    drawn = bar(value, on, ascii_only=options.ascii_only, colors=colors)
                line.append(_BETWEEN).append_text(drawn)
            if weight:
                line.append(_BETWEEN + weights[at].rjust(weight), style)
            if share:
                line.append(_BETWEEN + shares[at].rjust(share), style)
            if other:
                line.append(_BETWEEN + fitted(others[at], other), style)
            line.rstrip()
            yield line

    def _importance(self) -> list[str]:
        """Return the importance of each head below its title; nothing where it was not asked for."""
        rows = self.answer.importance
        if not rows:
            return [""] * (len(self.effects) + 1)
        layers = list(dict.fromkeys(effect.layer for effect in self.answer.effects))
        found = [rows[layers.index(effect.layer)][effect.number or 0] for effect in self.effects]
        return ["importance", *(plain(number, 2) for number in found)]
