"""Stations of the embeddings: what stands for each token before the first layer, and where a position comes in."""

from collections.abc import Iterator

from ..traces.vocabulary import labels, roles
from .norms import norm_text
from .station import Station, Tensor
from .tour import Tour, joined, several


def word_embeddings(tour: Tour) -> Station | None:
    """The row of each token in the word embedding table."""
    step = tour.step(labels.WORD_EMBEDDINGS)
    if step is None:
        return None
    width = step.outputs[0].shape[-1]
    vocabulary = tour.size("vocabulary")
    of = f" of {vocabulary:,} rows" if vocabulary else ""
    return Station(
        name="word-embeddings",
        title="Word embeddings",
        question="How does an id become a vector?",
        text=(
            f"Each id picks one row of a table{of}: {width:,} numbers that stand for this token in every text.",
            "Training sets these rows like all other weights. Nothing is computed here: a row is looked up, so the "
            "same token gets the same numbers wherever it stands.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def token_type_embeddings(tour: Tour) -> Station | None:
    """The row of each token's type."""
    step = tour.step(labels.TOKEN_TYPE_EMBEDDINGS)
    if step is None:
        return None
    types = tour.size("token_types")
    several_texts = tour.batch.pairs is not None and any(map(any, tour.batch.token_type_ids))
    told = [f"A second table has {several(types, 'row') if types else 'a row'}, one for each token type."]
    if several_texts:
        told.append("Tokens of the first text get row 0, those of the second text row 1.")
    else:
        same = "" if tour.values(step) is None else ": the same numbers in every line below"
        told.append(f"All tokens here have type 0, so each gets the same row{same}.")
    return Station(
        name="token-type-embeddings",
        title="Token type embeddings",
        question="Which of two texts is a token from?",
        text=tuple(told),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def position_embeddings(tour: Tour) -> Station | None:
    """The row of each token's position."""
    step = tour.step(labels.POSITION_EMBEDDINGS)
    if step is None:
        return None
    ids = tour.step(labels.POSITION_IDS)
    rows = tour.size("positions")
    told = [
        "Attention compares all tokens at once and does not see their order. A table with a row for each position "
        "adds it."
    ]
    if tour.step(labels.COUNT_WITHOUT_PADDING) is not None:
        told.append(
            "This architecture counts positions over the tokens that are not padding, from the padding's id + 1 on."
        )
    elif rows:
        told.append(f"Positions are counted from 0; the table has {several(rows, 'row')}, so no text may be longer.")
    if step.outputs[0].shape[0] == 1:
        told.append("They are the same for every text of the batch, so they are looked up once.")
    steps = tuple(each.id for each in (ids, step) if each is not None)
    return Station(
        name="position-embeddings",
        title="Position embeddings",
        question="Where does a token stand?",
        text=tuple(told),
        steps=steps,
        shown=tuple(Tensor(step=each) for each in steps),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


_SUMS = (labels.WORD_AND_TOKEN_TYPE_EMBEDDINGS, labels.WORD_AND_POSITION_EMBEDDINGS, labels.SUM_OF_EMBEDDINGS)


def sum_of_embeddings(tour: Tour) -> Station | None:
    """What was looked up, added up."""
    steps = tour.steps(*_SUMS)
    if not steps:
        return None
    last = steps[-1]
    parts = {
        labels.WORD_EMBEDDINGS: "word",
        labels.TOKEN_TYPE_EMBEDDINGS: "token type",
        labels.POSITION_EMBEDDINGS: "position",
    }
    there = [word for label, word in parts.items() if tour.step(label) is not None]
    return Station(
        name="sum-of-embeddings",
        title="Sum of embeddings",
        question="How do these vectors become one?",
        text=(
            f"The embeddings of {joined(there)} are added, number by number.",
            "From here on one vector stands for each token, and it says both which token it is and where it stands."
            if "position" in there
            else "From here on one vector stands for each token.",
        ),
        steps=tuple(step.id for step in steps),
        shown=(Tensor(step=last.id),),
        told=Tensor(step=last.id),
        component=tour.around(last),
        more=tour.code(last),
    )


def embeddings_norm(tour: Tour) -> Station | None:
    """The norm after the embeddings, and what is done at padding."""
    step = tour.step(labels.LAYER_NORM, part=roles.EMBEDDINGS)
    if step is None:
        return None
    zeroed = tour.step(labels.PADDING_ZEROED, part=roles.EMBEDDINGS)
    dropout = tour.step(labels.DROPOUT, part=roles.EMBEDDINGS)
    told = [*norm_text(step)]
    if zeroed is not None:
        told.append("Afterwards the vectors at padding are set to zero.")
    if dropout is not None and dropout.no_op:
        told.append("The dropout that follows works in training only: now it hands on what it gets.")
    return Station(
        name="embeddings-norm",
        title="Layer norm of the embeddings",
        question="How are the numbers kept in a common range?",
        text=tuple(told),
        steps=tuple(each.id for each in (step, zeroed, dropout) if each is not None),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def embedding_projection(tour: Tour) -> Station | None:
    """Narrow embeddings brought to the width of the hidden states."""
    step = tour.step(labels.EMBEDDING_PROJECTION)
    if step is None or step.no_op:
        return None
    narrow, wide = step.inputs[0].shape[-1], step.outputs[0].shape[-1]
    return Station(
        name="embedding-projection",
        title="Embedding projection",
        question="How do narrow embeddings fit into wide layers?",
        text=(
            f"The embedding tables of this model have only {narrow:,} numbers a token, which saves parameters.",
            f"A linear layer turns them into the {wide:,} numbers that the layers work with.",
        ),
        steps=(step.id,),
        shown=(Tensor(step=step.id),),
        told=Tensor(step=step.id),
        component=tour.around(step),
        more=tour.code(step),
    )


def relative_positions(tour: Tour) -> Station | None:
    """The distance of every two tokens, where a model works with distances."""
    wanted = (labels.RELATIVE_POSITION_BUCKETS, labels.RELATIVE_POSITIONS)
    steps = [step for label in wanted for step in tour.steps(label) if not step.no_op]
    pairs = [step for step in steps if len(step.outputs[0].shape) == 2]
    if not pairs:
        return None
    shown = pairs[0] if pairs[0].label == labels.RELATIVE_POSITIONS else pairs[-1]
    buckets = [step for step in pairs if step.label == labels.RELATIVE_POSITION_BUCKETS]
    shown = buckets[-1] if buckets else shown
    told = ["This model looks at how far apart two tokens stand, besides, or instead of, their places in the text."]
    if tour.step(labels.NO_POSITION_EMBEDDINGS) is not None:
        told[0] = "This model adds no positions to its embeddings: it looks at how far apart two tokens stand."
    told.append("For every query token (row) and key token (column) the distance is worked out once, for all layers.")
    if buckets:
        told.append("Near distances have a bucket each and far ones share buckets, so a table of a fixed size serves.")
    bias = tour.module(roles.RELATIVE_POSITION_BIAS)
    shows = [Tensor(step=shown.id)]
    if bias is not None:
        told.append("Each bucket has one number for each head, which will be added to the attention scores.")
        by_head = tour.steps(labels.BIAS_BY_HEAD)
        shows += [Tensor(step=by_head[0].id)] if by_head else []
    first = tour.step(labels.RELATIVE_POSITIONS)
    return Station(
        name="relative-positions",
        title="Relative positions",
        question="How far apart do two tokens stand?",
        text=tuple(told),
        steps=tuple(dict.fromkeys(each.id for each in (first, shown, bias) if each is not None)),
        shown=tuple(shows),
        told=Tensor(step=shown.id),
        component=tour.around(shown),
        more=tour.code(shown),
    )


def rotary_positions(tour: Tour) -> Station | None:
    """The angles by which queries and keys will be turned."""
    steps = [step for step in tour.steps(labels.SCALED_ROTARY_COS, labels.ROTARY_COS) if not step.no_op]
    if not steps:
        return None
    cos = steps[0]
    sin = tour.step(labels.ROTARY_SIN)
    angles = tour.step(labels.ROTARY_ANGLES)
    return Station(
        name="rotary-positions",
        title="Rotary positions",
        question="Where does a token stand?",
        text=(
            "This model adds no positions to its embeddings. It will turn queries and keys by an angle that grows with "
            "the position, so that a score depends on how far apart two tokens stand.",
            "Here the cosines and sines of these angles are worked out: a row for each position, and in each row fast "
            "angles first, slow ones last.",
        ),
        steps=tuple(each.id for each in (angles, cos, sin) if each is not None),
        shown=(Tensor(step=cos.id),),
        told=Tensor(step=cos.id),
        component=tour.around(cos),
        more=tour.code(cos),
    )


def stations(tour: Tour) -> Iterator[Station | None]:
    """Yield them in order."""
    yield word_embeddings(tour)
    yield token_type_embeddings(tour)
    yield position_embeddings(tour)
    yield sum_of_embeddings(tour)
    norm, projection = embeddings_norm(tour), embedding_projection(tour)
    yield from sorted((norm, projection), key=lambda each: each.steps if each is not None else ())
    yield relative_positions(tour)
    yield rotary_positions(tour)
