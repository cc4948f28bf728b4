"""All of a run beside a corpus."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from ...traces.output import Prediction
from ...traces.selection import Wanted
from ..findings.looks import looks
from ..moved.moves import HeadMove, head_moves
from ..record import Profile
from ..tensors import hidden_states
from .answers import AnswerPlace, placed_answers
from .dimensions import FarDimension, State, far_dimensions
from .steps import StepPlace, placed_steps

_FAR = 10
"""So many dimensions are named."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Where a run lies in a corpus.

    Attributes:
        corpus: its profile.
        sentences: how many the run is over.
        steps: where each tensor lies, in the order in which they run.
        dimensions: the hidden dimensions that lie farthest.
        beyond: how many numbers of dimensions there are, a hidden state each, and how many of them go beyond.
        places: (row, place) of each real token, by the numbers that dimensions have of them.
        heads: where each head looks in the corpus (a) and in the run (b), those that differ most first.
        answers: where the answers lie.
    """

    corpus: Profile
    sentences: int
    steps: Sequence[StepPlace]
    dimensions: Sequence[FarDimension]
    beyond: tuple[int, int]
    places: Sequence[tuple[int, int]]
    heads: Sequence[HeadMove]
    answers: Sequence[AnswerPlace]

    @property
    def by_chance(self) -> float:
        """The largest probability with which sentences drawn like those of the corpus go beyond it at one end: of N of
        the corpus and n of the run, each as likely to hold the extreme of all, it is one of the run's.
        """
        every = self.corpus.input.sentences + self.sentences
        return self.sentences / every if every else 0.0


def placement(
    corpus: Profile,
    run: Profile,
    *,
    states: Mapping[int, State],
    places: Sequence[tuple[int, int]],
    predictions: Sequence[Prediction] = (),
    wanted: Wanted | None = None,
) -> Placement:
    """Return where a run lies in a corpus.

    Args:
        corpus: its profile.
        run: the profile of the run, of the same steps.
        states: the farthest numbers of its hidden states, by their number.
        places: (row, place) of each of its real tokens.
        predictions: its answers.
        wanted: which steps are told; None: all.
    """
    wanted = wanted or Wanted()
    of_states = {number: held.step for number, held in hidden_states(corpus)}
    told = {n: state for n, state in states.items() if wanted.wants(of_states[n].path, of_states[n].layer)}
    return Placement(
        corpus=corpus,
        sentences=run.input.sentences,
        steps=[
            one
            for one in placed_steps(corpus, run)
            if wanted.wants(one.held.step.path, one.held.step.layer)
            and (one.held.step.kind == "module" or wanted.level == "op")
        ],
        dimensions=far_dimensions(told, _FAR),
        beyond=(
            sum(len(state.value) for state in told.values()),
            sum(int(state.beyond.sum()) for state in told.values()),
        ),
        places=places,
        heads=[
            move
            for move in head_moves(looks(corpus), looks(run))
            if isfinite(move.change) and (not wanted.layers or move.a.layer in wanted.layers)
        ],
        answers=placed_answers(corpus.answers, predictions),
    )
