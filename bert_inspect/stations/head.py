"""Stations above the layers: the pooler, the head, the answer and the loss."""

from collections.abc import Iterator

from ..families import heads
from ..traces.lookup import gives_several_labels
from ..traces.record import Step
from ..traces.vocabulary import known_as, labels, roles
from . import answers
from .norms import has_bias
from .station import Command, Station, Tensor
from .tour import Tour, joined

_LOGITS = {
    labels.LOGITS: "a logit for each class",
    labels.SPAN_LOGITS: "two logits for each token: that an answer begins there, and that it ends there",
    labels.TOKEN_LOGITS: "a logit for each token of the vocabulary, at every place",
    labels.NEXT_SENTENCE_LOGITS: "two logits: that the second text follows the first, and that it does not",
    labels.SENTENCE_ORDER_LOGITS: "two logits: that both texts stand in order, and that they were swapped",
    labels.REPLACED_TOKEN_LOGITS: "a logit for each token: that it was put in place of another",
}
"""What a head makes, by the label of its last step."""


def pooler(tour: Tour) -> Station | None:
    """The vector that stands for the whole sentence."""
    step = tour.step(labels.POOLER_PROJECTION)
    if step is None:
        return None
    picked = tour.step(*_PICKED)
    bent = next(
        (each for each in tour.trace.steps if roles.POOLER in (each.part, each.role) and _bends(tour, each)), None
    )
    mean = picked is not None and picked.label in (labels.MEAN_OF_TOKENS, labels.MEAN_OVER_TOKENS)
    which = f"the {labels.FIRST_TOKEN if picked is None else picked.label}"
    which = "the mean of all its tokens' vectors" if mean else f"that of {which}"
    told = [f"To answer for the whole text, the model takes one vector: {which}."]
    if not mean:
        told.append("Every layer could write into it what it found in the text.")
    kind = "" if bent is None else f" and a {bent.label.removesuffix(' activation')}"
    if not step.no_op:
        told.append(f"The pooler turns it with a linear layer{kind}.")
    steps = [each for each in (picked, step, bent) if each is not None]
    last = steps[-1]
    return Station(
        name="pooler",
        title="Pooler",
        question="Which vector stands for the whole text?",
        text=tuple(told),
        steps=tuple(each.id for each in steps),
        shown=tuple(Tensor(step=each.id) for each in steps),
        told=Tensor(step=last.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def _bends(tour: Tour, step: Step) -> bool:
    return labels.is_activation(step.label) and tour.is_leaf(step) and bool(step.outputs)


_PICKED = (*labels.ONE_TOKEN, labels.MEAN_OF_TOKENS, labels.MEAN_OVER_TOKENS)
"""What stands for a whole text."""


def head(tour: Tour) -> Station | None:
    """What a head does before its last linear layer."""
    steps = [step for step in _of_head(tour) if not step.no_op and step.label not in _LOGITS]
    steps = [step for step in steps if step.label in _DOES or step.label in _TAKES or labels.is_activation(step.label)]
    if not any(step.label in _PROJECTIONS for step in steps):
        return None
    takes = [_TAKES[step.label] for step in steps if step.label in _TAKES]
    does = [
        _DOES.get(step.label) or f"a {step.label.removesuffix(' activation')}"
        for step in steps
        if step.label not in _TAKES
    ]
    projected = next(step for step in steps if step.label in _PROJECTIONS)
    last = steps[-1]
    return Station(
        name="head",
        title="Head",
        question="What does the head do before it answers?",
        text=(
            "The layers know nothing of the task; the head on top of them answers.",
            f"{f'It takes {joined(takes)}; before' if takes else 'Before'} its last linear layer it applies "
            f"{joined(does)}.",
        ),
        steps=tuple(step.id for step in steps),
        shown=(Tensor(step=last.id),),
        told=Tensor(step=last.id),
        component=tour.around(projected),
        more=tour.code(projected),
    )


_PROJECTIONS = (labels.CLASSIFIER_PROJECTION, labels.TRANSFORM_PROJECTION)
_DOES = {
    labels.CLASSIFIER_PROJECTION: "a linear layer",
    labels.TRANSFORM_PROJECTION: "a linear layer",
    labels.LAYER_NORM: "a layer norm",
}
_TAKES = {
    labels.MEAN_OVER_TOKENS: "the mean of the vectors of all real tokens",
    labels.MEAN_OF_TOKENS: "the mean of the vectors of all tokens",
    **{label: f"the vector of the {label}" for label in labels.ONE_TOKEN},
}


def _of_head(tour: Tour) -> list[Step]:
    return [
        step
        for step in tour.trace.steps
        if step.part == roles.HEAD and step.layer is None and tour.is_leaf(step) and step.outputs
    ]


def logits_of_choices(tour: Tour) -> Station | None:
    """The logits of the texts of a multiple choice side by side."""
    step = tour.step(labels.LOGITS_OF_CHOICES)
    if step is None:
        return None
    return tour.station(
        step,
        name="logits-of-choices",
        title="Logits of the choices",
        question="How are the choices compared?",
        text=(
            "Each choice was read as a text of its own and got one logit.",
            "Now they are laid side by side, one row for the question and one number for each choice. Nothing is "
            "computed here.",
        ),
    )


def logits(tour: Tour) -> Iterator[Station]:
    """The last linear layer, or layers."""
    made = [step for label in _LOGITS if (step := tour.step(label)) is not None]
    for number, step in enumerate(sorted(made, key=lambda each: each.id)):
        parts = [tour.step(label) for label in (labels.START_LOGITS, labels.END_LOGITS)]
        shown = [each for each in parts if each is not None] if step.label == labels.SPAN_LOGITS else [step]
        narrow = f"{step.inputs[0].shape[-1]:,}" if step.inputs else "all"
        chooses = tour.trace.model.task == heads.MULTIPLE_CHOICE.task
        makes = "one logit for each text" if chooses else _LOGITS[step.label]
        count = step.outputs[0].shape[-1]
        scale = _scale(tour, step)
        if tour.trace.model.task == heads.TOKEN_CLASSIFICATION.task:
            makes += ", at every token"
        if scale == "none":
            makes = "the output" if count == 1 else f"{count:,} outputs"
        told = [f"A last linear layer makes {makes}, out of {narrow} numbers."]
        if tour.trace.model.task == heads.SEQUENCE_CLASSIFICATION.task:
            what = "It" if count == 1 else "Each output" if scale == "none" else "Each logit"
            told.append(
                f"{what} is a weighted sum: a weight for each number{', and a bias' if has_bias(step) else ''}."
            )
        told.append(_SAYS[scale])
        yield Station(
            name="logits" if not number else f"logits-{number + 1}",
            title=step.label.capitalize() if step.label != labels.LOGITS else "Logits",
            question="How does the vector become an answer?",
            text=tuple(told),
            steps=(step.id, *(each.id for each in shown if each is not step)),
            shown=tuple(Tensor(step=each.id) for each in shown),
            told=Tensor(step=step.id),
            component=tour.around(step),
            more=tour.explained(otherwise=tour.code(step)),
        )


_SAYS = {
    "softmax": "A logit may be any number; only compared with others does it say something.",
    "sigmoid": "A logit may be any number: above 0 it says that what it stands for is more likely than not, below 0 "
    "that it is less likely.",
    "none": "No activation follows: what comes out is the answer.",
}
"""What a logit says, by what makes a probability of it."""


def _scale(tour: Tour, step: Step) -> str:
    """Return what makes probabilities of the logits of a step: a softmax, a sigmoid, or of a regression none."""
    task, kind = tour.trace.model.task, tour.trace.model.config.get("problem_type")
    if step.label == labels.REPLACED_TOKEN_LOGITS:
        return "sigmoid"
    if task != heads.SEQUENCE_CLASSIFICATION.task:
        return "softmax"
    if kind == "regression" or step.outputs[0].shape[-1] == 1:
        return "none"
    return "sigmoid" if gives_several_labels(tour.trace.model) else "softmax"


def hidden_states(tour: Tour) -> Station | None:
    """What a model without a head returns."""
    if tour.trace.model.task != heads.NO_HEAD.task:
        return None
    step = tour.known(known_as.LAST_HIDDEN_STATE)
    if step is None:
        return None
    normed = "" if tour.step(labels.FINAL_NORM) is None else " after the final norm"
    return tour.station(
        step,
        name="last-hidden-state",
        title="Last hidden state",
        question="What does a model without a head return?",
        text=(
            f"This model has no head: it returns the vectors of the last layer{normed}, "
            f"{step.outputs[0].shape[-1]:,} numbers for each token.",
            "They are what other programs build on: a classifier, a search, a comparison of sentences.",
        ),
        steps=(step.id,),
        more=Command(("run",), ("--fold",)),
    )


def answer(tour: Tour) -> Station | None:
    """What the logits say."""
    output = tour.trace.output
    if output is None:
        return None
    found = answers.answer(tour, output)
    if found is None:
        return None
    told, table, probable = found
    told = (*told, *answers.warnings(tour, output))
    return Station(
        name="answer",
        title="The answer",
        question="What does the model say?",
        text=told,
        tables=(table,) if table.rows else (),
        probability=probable,
        more=tour.explained(otherwise=Command(("run",))),
    )


def loss(tour: Tour) -> Station | None:
    """How far the answer is from the labels."""
    step = tour.step(labels.LOSS)
    output = tour.trace.output
    if step is None or tour.batch.labels is None:
        return None
    how = {
        "cross_entropy": "It is minus the logarithm of the probability that the right choice got."
        if tour.trace.model.task == heads.MULTIPLE_CHOICE.task
        else "For each text it is minus the logarithm of the probability that its label got; the loss is the mean of "
        "the batch.",
        "mse_loss": "It is the mean of the squared differences between the outputs and the labels.",
        "binary_cross_entropy_with_logits": "Each class is right or wrong by itself; the loss is the mean of minus the "
        "logarithm of the probability that what is right got.",
    }.get(step.type, "It is computed from the logits and the labels.")
    value = "" if output is None or output.loss is None else f" Here it is {_number(output.loss)}."
    return tour.station(
        step,
        name="loss",
        title="The loss",
        question="How wrong is the answer?",
        text=(
            "The loss is one number that says how far the logits are from the labels that were given." + value,
            how,
            "Training changes every parameter a little in the direction in which the loss falls.",
        ),
    )


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4f}"


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them in order."""
    yield pooler(tour)
    yield hidden_states(tour)
    yield head(tour)
    yield from logits(tour)
    yield logits_of_choices(tour)
    yield answer(tour)
    yield loss(tour)
