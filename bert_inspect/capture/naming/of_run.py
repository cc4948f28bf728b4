"""What naming the steps of a run needs to know of the model and of the sentences."""

from ...loading.loaded import Loaded
from ...traces.record import Input
from ...traces.sentences import classification_place
from ...traces.vocabulary import labels
from ..tracing.recording import Recording
from .modules import Naming


def naming_of(loaded: Loaded, batch: Input, recording: Recording) -> Naming:
    """Return what the steps of a recorded run of a model over a batch are named by."""
    family, config = loaded.family, vars(loaded.model.config)
    return Naming(
        family=family,
        head=loaded.head,
        activation=family.activation_of(config),
        head_activation=family.head_activation_of(config),
        parameters=recording.tensors.parameters,
        first_token=_first_token(batch),
        first_real_token=_first_real_token(batch),
        hidden=loaded.sizes.get("hidden"),
    )


def _first_token(batch: Input) -> str:
    """Return what is taken of each sentence where the token in the first place is."""
    first = all(classification_place(batch, row) == 0 for row in range(len(batch.texts)))
    return _first_real_token(batch) if first else labels.FIRST_TOKEN


def _first_real_token(batch: Input) -> str:
    """Return what is taken of each sentence where its first token that is no padding is."""
    places = [classification_place(batch, row) for row in range(len(batch.texts))]
    tokens = {None if place is None else batch.tokens[row][place] for row, place in enumerate(places)}
    if None in tokens:
        return labels.FIRST_TOKEN
    return labels.S_TOKEN if tokens == {"<s>"} else labels.CLS_TOKEN
