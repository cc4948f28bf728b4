"""What a model's answer loses with each of its parts, or each token, taken away: one after the other."""

from collections.abc import Mapping, Sequence

from msgspec import structs
from torch import Tensor

from ...capture.describe import described, environment
from ...capture.editing.plan import token_of
from ...capture.editing.run import run_edited
from ...capture.model_inputs import as_given
from ...capture.outputs.plain_numbers import nested
from ...capture.outputs.returned import returned_tensors
from ...errors import UsageError
from ...families.heads import MULTIPLE_CHOICE
from ...loading.loaded import Loaded
from ...traces.edits import Edit
from ...traces.record import Input
from ...traces.sentences import only_row
from ...traces.values import strict
from ..explain.quantity import Quantity, Wanted
from ..explain.target import check_wanted
from .asked import OF_MODEL, check_each, check_layer, parse_how
from .importance import importance as by_gradient
from .importance import steepness
from .record import FORMAT, VERSION, AnswerEffects, Each, Effect, Effects
from .replacement import Replacements
from .sweep import TOKENS_AT_ONCE, Sweep
from .units import Unit, units_of_model, units_of_sentence
from .watched import metric_of, watched


def ablate(
    loaded: Loaded,
    batch: Input,
    *,
    each: Each = "head",
    how: str = "zero",
    wanted: Wanted | None = None,
    layer: int | None = None,
    importance: bool = False,
    at_once: int = TOKENS_AT_ONCE,
) -> Effects:
    """Edit each unit in turn, for each sentence of a batch, and return what that does to its answer.

    Args:
        loaded: the model; afterwards it is as it was.
        batch: the sentences.
        each: what is edited: every ``head``, ``layer``, ``attention`` (all heads of a layer), ``intermediate`` (all
            neurons of a layer), ``neuron`` of one layer, ``token`` or ``word``.
        how: what stands in its place, as an edit says it: ``zero``, ``mean``, ``resample:TEXT``, or a number.
        wanted: which number is watched; by default the logit of the answer against the largest of the others.
        layer: look at this layer only.
        importance: of heads, their importance by the gradient too.
        at_once: about how many tokens run in one forward; it changes nothing beyond rounding.

    Raises:
        UsageError: the model gives no such number, has no weights, or cannot be edited so.
        BertInspectError: its own forward fails.
    """
    wanted = wanted or Wanted()
    check_wanted(loaded, wanted)
    if loaded.weights == "none":
        raise UsageError("without weights there are no numbers, only shapes", 'leave `weights="none"` out')
    check_each(each)
    check_layer(each, layer)
    if importance and each != "head":
        raise UsageError("importance by the gradient is that of heads", 'leave `importance` out, or add `each="head"`')
    edit = parse_how(how, each)
    batch = structs.replace(as_given(loaded, batch), labels=None)
    mask = token_of(loaded.tokenizer, "mask")
    of_model = units_of_model(loaded, each, edit, layer) if each in OF_MODEL else None
    if of_model is None and mask is None:
        raise UsageError(
            "this model's vocabulary has no mask to put in the place of tokens", 'take heads: `each="head"`'
        )
    unedited = returned_tensors(loaded.head, run_edited(loaded, batch, {}))
    found = watched(loaded, batch, unedited, wanted)
    replacements = _replacements(loaded, batch, edit, of_model)
    layers = range(loaded.layers) if layer is None else (layer,)
    gradients = by_gradient(steepness(loaded, batch, found))[:, list(layers)] if importance else None
    answers = []
    for at, quantity in enumerate(found):
        units = units_of_sentence(batch, quantity.row, each) if of_model is None else of_model
        whole = loaded.head is MULTIPLE_CHOICE
        own = batch if whole else only_row(batch, quantity.row)
        sweep = Sweep(
            loaded=loaded,
            own=own,
            quantity=quantity,
            replacements=replacements,
            mask=None if mask is None else mask[0],
            at_once=at_once,
        )
        answer = _effects(sweep, unedited, units)
        answers.append(answer if gradients is None else structs.replace(answer, importance=nested(gradients[at])))
    return Effects(
        format=FORMAT,
        version=VERSION,
        environment=environment(),
        model=described(loaded),
        input=batch,
        command="ablate",
        each=each,
        how=_written(edit),
        layer=layer,
        metric=metric_of(found),
        answers=answers,
    )


def _replacements(loaded: Loaded, batch: Input, how: Edit, units: Sequence[Unit] | None) -> Replacements | None:
    if units is None:
        return None
    layers = list(dict.fromkeys(unit.layer for unit in units if unit.layer is not None))
    return Replacements(loaded=loaded, batch=batch, how=how, layers=layers)


def _effects(sweep: Sweep, unedited: Mapping[str, Tensor], units: Sequence[Unit]) -> AnswerEffects:
    quantity = sweep.quantity
    value, share = _number(quantity, unedited), quantity.probability(unedited)
    answered = quantity.answered(unedited)
    effects = []
    for unit, returned, row in sweep.run(units):
        there = quantity.in_row(row)
        after, probability = _number(there, returned), there.probability(returned)
        flips = there.answered(returned) != answered
        change = None if share is None or probability is None else strict(probability - share)
        effects.append(
            Effect(
                edits=[str(edit) for edit in unit.edits],
                layer=unit.layer,
                number=unit.number,
                tokens=unit.tokens,
                value=strict(after),
                effect=strict(after - value),
                probability=None if probability is None else strict(probability),
                probability_change=change,
                flips=flips,
                answer=there.answer(returned) if flips else "",
            )
        )
    return AnswerEffects(
        sentence=quantity.row,
        target=quantity.target,
        value=strict(value),
        probability=None if share is None else strict(share),
        answer=quantity.answer(unedited),
        effects=effects,
    )


def _number(quantity: Quantity, returned: Mapping[str, Tensor]) -> float:
    return float(quantity.of(returned).double())


def _written(how: Edit) -> str:
    """Return how each unit is edited, as it is written: ``zero``, ``mean``, ``resample:"..."``, a number."""
    return str(how).removeprefix(how.spec).removeprefix("=") or "zero"
