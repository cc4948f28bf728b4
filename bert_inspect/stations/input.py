"""Stations before the model: the text, its tokens, and what the configuration says."""

from ..traces.sentences import cut_in_words, names_of_special, real_places
from ..traces.token_text import token_texts
from .station import TOKENIZER, Command, Station, Table
from .tour import Tour, joined, several


def text(tour: Tour) -> Station:
    """What the model is given."""
    batch = tour.batch
    count = len(batch.texts)
    told = [
        f"The model is given {several(count, 'text')}"
        + (" as one batch: one forward pass computes all of them side by side." if count > 1 else ".")
    ]
    if batch.pairs is not None:
        told.append("Each has a second text; the model reads both as one row of tokens, with a separator between them.")
    told.append("A network computes with numbers, so the text is cut into tokens first, and each token becomes an id.")
    told += [
        f"Text {row + 1} was too long: {cut_in_words(batch, row)}."
        for row in range(count)
        if cut_in_words(batch, row) and row == tour.row
    ]
    columns = [batch.texts] if batch.pairs is None else [batch.texts, batch.pairs]
    headers = ("text", "second text")[: len(columns)]
    numbered = tuple((str(at + 1), *row) for at, row in enumerate(zip(*columns, strict=True)))
    return Station(
        name="text",
        title="The text",
        question="What does the model get to read?",
        text=tuple(told),
        tables=(Table(headers=("", *headers), rows=numbered, numbers=(0,)),),
        component=TOKENIZER,
        more=Command(("tokens",)),
    )


def tokens(tour: Tour) -> Station:
    """How text becomes ids."""
    batch, row = tour.batch, tour.row
    first, last = names_of_special(batch)
    real = real_places(batch, row)
    special = [place for place in real if batch.special and batch.special[row][place]]
    told = ["The tokenizer cuts the text into pieces of its vocabulary; the id of a token is its row in that list."]
    if pieces := _pieces(tour):
        told.append(pieces)
    if special and {batch.tokens[row][place] for place in special} <= {first, last}:
        told.append(
            f"{first} is put first and {last} closes {'each text' if batch.pairs is not None else 'the text'}: special "
            "tokens that stand for no word."
        )
    if tour.is_padded:
        padding = len(batch.tokens[row]) - len(real)
        own = f"here {several(padding, 'place')}" if padding else "this one needs none"
        told.append(
            f"Shorter texts are filled up with padding until all rows have {several(len(batch.tokens[row]), 'token')}"
            f" ({own}); the attention mask is 0 there."
        )
    else:
        told.append("The attention mask is 1 everywhere: no place is padding.")
    return Station(
        name="tokens",
        title="Tokens and ids",
        question="How does text become numbers?",
        text=tuple(told),
        tables=(_token_table(tour),),
        component=TOKENIZER,
        more=Command(("tokens",)),
    )


def _pieces(tour: Tour) -> str:
    """Return a sentence on the first word that is made of several tokens; empty where there is none."""
    batch, row = tour.batch, tour.row
    if not batch.words:
        return ""
    shown, sides = token_texts(batch, row), batch.sides(row)
    words: dict[tuple[int, int], list[int]] = {}
    for place, word in enumerate(batch.words[row]):
        if word is not None:
            words.setdefault((sides[place], word), []).append(place)
    for (side, _), places in words.items():
        if len(places) > 1:
            whole = batch.pairs[row] if side and batch.pairs is not None else batch.texts[row]
            spelled = whole[batch.offsets[row][places[0]][0] : batch.offsets[row][places[-1]][1]]
            made = joined([shown[place] for place in places])
            return f"A word may take several tokens: “{spelled}” is made of {made}."
    return ""


def _token_table(tour: Tour) -> Table:
    batch, row = tour.batch, tour.row
    typed = "token_type_ids" in tour.family.inputs
    headers = ["place", "token", "id", *(["token type"] if typed else []), *(["mask"] if tour.is_padded else [])]
    rows = []
    for place, token in enumerate(token_texts(batch, row)):
        cells = [str(place), token, str(batch.input_ids[row][place])]
        cells += [str(batch.token_type_ids[row][place])] if typed else []
        cells += [str(batch.attention_mask[row][place])] if tour.is_padded else []
        rows.append(tuple(cells))
    note = "the token type says which of two texts a token is from: 0 the first, 1 the second" if typed else ""
    return Table(headers=tuple(headers), rows=tuple(rows), numbers=(0, *range(2, len(headers))), note=note)


def configuration(tour: Tour) -> Station:
    """The sizes of the model."""
    model = tour.trace.model
    layers, hidden, heads = tour.size("layers"), tour.size("hidden"), tour.size("heads")
    rows = [
        ("layers", layers, "blocks of attention and feed-forward, one after another"),
        ("hidden size", hidden, "numbers that stand for one token between the layers"),
        ("embedding size", tour.size("embedding"), "numbers of one token in the embedding tables"),
        ("heads", heads, "comparisons of tokens that each layer makes side by side"),
        ("head size", tour.head_size, "numbers that each head works with"),
        ("intermediate size", tour.size("intermediate"), "numbers of one token inside the feed-forward part"),
        ("vocabulary", tour.size("vocabulary"), "tokens that have an embedding"),
        ("positions", tour.size("positions"), "rows of the table of positions"),
        ("token types", tour.size("token_types"), "kinds of text that a token may be from"),
        ("parameters", model.parameters, "numbers that were learned"),
    ]
    if tour.size("embedding") == hidden:
        rows = [row for row in rows if row[0] != "embedding size"]
    if tour.is_random or model.weights == "none":
        rows[-1] = ("parameters", model.parameters, "numbers that training would set")
    elif model.weights == "partial":
        rows[-1] = ("parameters", model.parameters, "numbers that were learned, and some drawn at random")
    told = [
        f"{model.class_} is built from a configuration, which fixes the size of every tensor on this tour but for the "
        "number of texts and tokens."
    ]
    if layers and hidden:
        where = "Before and after its one layer" if layers == 1 else f"Between its {layers:,} layers"
        told.append(f"{where} each token is a vector of {hidden:,} numbers.")
    if model.weights == "random":
        told.append(
            "The weights of this model are random: the steps, shapes and sums are those of a trained one, "
            "but its numbers mean nothing."
        )
    elif model.weights == "none":
        told.append("It was built without weights, so this tour has shapes and no numbers.")
    if model.edits:
        told.append(
            f"This run was edited ({', '.join(model.edits)}): from there on its numbers are not the model's own."
        )
    facts = [(name, f"{size:,}", what) for name, size, what in rows if size]
    if tour.activation:
        facts.insert(-1, ("activation", tour.activation, "the function inside the feed-forward part"))
    return Station(
        name="configuration",
        title="Configuration",
        question="How large is the model?",
        text=tuple(told),
        tables=(
            Table(
                headers=("", "", "what it counts"),
                rows=tuple(facts),
                numbers=(1,),
            ),
        ),
        more=Command(("model",)),
    )
