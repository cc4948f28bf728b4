"""Multiple choice: the choices in their order with their probabilities, the most probable marked."""

from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.text import Text

from ...traces.output import Output
from ...traces.record import Trace
from ...traces.values import Number
from ..words import DIM, NAME, number, sentence
from .frame import BAR, bar, note_on_weights, table
from .meaning import LABEL, Answer, bare, means_something, percent

_SHOWN = 40
_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A choice with its probability and its logit; ``best`` marks the most probable one."""

    text: str
    probability: Number
    logit: Number
    best: bool


def answers(trace: Trace, output: Output) -> list[Answer]:
    """Return the most probable choice; of a random head only its number."""
    meant = means_something(trace.model)
    return [
        Answer(
            name=sentence(found.label, most=LABEL) if meant else f"choice {found.index + 1}",
            score=percent(found.score),
            means_something=meant,
        )
        for found in output.predictions
    ]


def choices(trace: Trace, output: Output) -> list[Choice]:
    """Return the choices in their order."""
    batch = trace.input
    if not output.probabilities or not output.predictions:
        return []
    best = output.predictions[0].index
    return [
        Choice(text=sentence(text), probability=probability, logit=logit, best=place == best)
        for place, (text, probability, logit) in enumerate(
            zip(batch.pairs or batch.texts, output.probabilities[0], output.class_logits[0], strict=False)
        )
    ]


def prompts(trace: Trace) -> list[str]:
    """Return what the choices belong to: one text where all have the same, none where the choices stand alone."""
    batch = trace.input
    return [] if batch.pairs is None else [sentence(text) for text in dict.fromkeys(batch.texts)]


def shown(trace: Trace, output: Output) -> RenderableType:
    """Return the text and a table of its choices."""
    return Group(_Table(trace, output), *note_on_weights(trace))


class _Table:
    def __init__(self, trace: Trace, output: Output) -> None:
        self._trace, self._choices = trace, choices(trace, output)
        self._meant = means_something(trace.model)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        prompts_, batch = prompts(self._trace), self._trace.input
        one = len(prompts_) == 1
        if one:
            yield Text(prompts_[0])
            yield Text()
        made = table(meant=self._meant)
        made.add_column("", justify="right", style=DIM)
        made.add_column("choice", overflow="fold", min_width=12, max_width=60)
        made.add_column("probability", justify="right", no_wrap=True)
        if options.max_width >= _ROOM_FOR_BARS:
            made.add_column("", no_wrap=True, min_width=BAR)
        made.add_column("logit", justify="right", no_wrap=True)
        made.add_column("", no_wrap=True)
        for place, choice in enumerate(self._choices[:_SHOWN]):
            best = choice.best and self._meant
            text = Text(sentence(choice.text, most=_CHARACTERS), style=NAME if best else "")
            if not one and batch.pairs is not None:
                text = Text.assemble(sentence(batch.texts[place], most=_CHARACTERS), ("\n", ""), text)
            line = Text(bar(bare(choice.probability), ascii_only=options.ascii_only).ljust(BAR), style="cyan")
            made.add_row(
                Text(str(place + 1)),
                text,
                Text(percent(choice.probability)),
                *([line] if options.max_width >= _ROOM_FOR_BARS else []),
                Text(number(choice.logit)),
                Text("best" if best else "", style=DIM),
            )
        yield made
        if len(self._choices) > _SHOWN:
            yield Text(f"... {len(self._choices) - _SHOWN:,} more choices", style=DIM)


_ROOM_FOR_BARS = 70
