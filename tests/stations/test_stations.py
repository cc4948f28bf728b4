"""Stations of single models: their sentences are true for the model at hand, and what is followed is one thing."""

import math
from typing import Any

import numpy as np
import pytest
from families.tiny import as_loaded, tiny
from helpers import TEXTS, tiny_model

from bert_inspect.analysis.cell import Runs
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.cells.saved import Saved
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import (
    MULTIPLE_CHOICE,
    NEXT_SENTENCE,
    NO_HEAD,
    REPLACED_TOKENS,
    SEQUENCE_CLASSIFICATION,
)
from bert_inspect.stations.walk import Walk, walk
from bert_inspect.traces.record import Trace


def tour_of(model: Any, tokenizer: Any, texts: list[str], *, row: int = 0, **given: Any) -> Walk:
    batch = encode(tokenizer, Sentences(texts=texts, **given), limit=60, truncate=True)
    return walk(Runs(as_loaded(model), batch), row=row)


def words(tour: Walk, name: str) -> str:
    return " ".join(tour.stops[tour.place(name)].station.text)


def test_the_factor_of_the_scores_is_the_one_of_the_run(tokenizer: Any) -> None:
    tour = tour_of(tiny_model(), tokenizer, TEXTS)
    assert f"multiplied by {1 / math.sqrt(8):.4g}: 1 divided by the square root of 8" in words(tour, "scaling")
    odd = tiny_model()
    for layer in odd.bert.encoder.layer:
        layer.attention.self.scaling = 0.25
    assert words(tour_of(odd, tokenizer, TEXTS), "scaling").startswith("Each score is multiplied by 0.25. ")


def test_pieces_padding_and_pairs_are_told_as_they_are(tokenizer: Any) -> None:
    alone = tour_of(tiny_model(), tokenizer, ["He hates pineapple pizza."])
    assert "“pineapple” is made of pine, ##ap and ##ple" in words(alone, "tokens")
    assert "no place is padding" in words(alone, "tokens") and "All tokens here have type 0" in words(
        alone, "token-type-embeddings"
    )
    padded = tour_of(tiny_model(), tokenizer, TEXTS)
    assert "until all rows have 9 tokens (here 3 places)" in words(padded, "tokens")
    second = tour_of(tiny_model(), tokenizer, TEXTS, row=1)
    assert "this one needs none" in words(second, "tokens")
    assert "This text has no padding" in words(second, "mask") and "text 1 of the batch" in words(second, "mask")
    pair = tour_of(tiny_model(), tokenizer, ["I love cats!"], pairs=["So do I."])
    assert "those of the second text row 1" in words(pair, "token-type-embeddings")


def test_what_is_followed_is_the_strongest_pair_of_words(tokenizer: Any) -> None:
    tour = tour_of(tiny_model(), tokenizer, TEXTS, row=1)
    source = Runs(as_loaded(tiny_model()), tour.trace.input)
    step = next(step for step in tour.trace.steps if step.label == "attention probabilities" and step.layer == 0)
    held = np.asarray(source.numbers({step.id}).output(step, 0)((1,)))
    tokens = tour.trace.input.tokens[1]
    plain = [place for place, token in enumerate(tokens) if token not in ("[CLS]", "[SEP]", ".")]
    best = max(
        (held[head, query, key], head, query, key)
        for head in range(4)
        for query in plain
        for key in plain
        if query != key
    )
    followed = tour.followed
    assert (followed.head, followed.query, followed.key) == best[1:] and followed.share == pytest.approx(float(best[0]))
    for name in ("attention-scores", "scaling", "mask", "attention-probabilities"):
        shown = tour.stops[tour.place(name)].excerpts[0]
        assert shown.where == f"text 2 of 2, head {followed.head} of 4" and shown.marked is not None
        row, column = shown.marked
        assert (shown.rows[row], shown.columns[column]) == (tokens[followed.query], tokens[followed.key])


def test_a_layer_that_is_called_again_is_said_to_have_the_same_weights(tokenizer: Any) -> None:
    assert "done once more, on the vectors that it returned, with other weights" in words(
        tour_of(tiny_model(), tokenizer, TEXTS), "all-layers"
    )
    small = tiny(FAMILIES["albert"], SEQUENCE_CLASSIFICATION, vocab_size=28996)
    assert "twice more, on the vectors that it returned, with the same weights" in words(
        tour_of(small, tokenizer, TEXTS), "all-layers"
    )
    only = tiny_model(num_hidden_layers=1)
    assert words(tour_of(only, tokenizer, TEXTS), "all-layers").startswith("This model has one layer only.")


def test_choices_have_their_logits_side_by_side(tokenizer: Any) -> None:
    chooser = tiny(FAMILIES["bert"], MULTIPLE_CHOICE, vocab_size=28996)
    tour = tour_of(chooser, tokenizer, ["I love"], choices=["cats", "pizza"])
    assert "one logit for each text" in words(tour, "logits") and "side by side" in words(tour, "logits-of-choices")
    assert tour.stops[tour.place("logits-of-choices")].excerpts[0].shape == (1, 2)


def test_a_saved_trace_gives_the_same_tour_and_says_what_it_lacks(traced: Trace) -> None:
    tour = walk(Saved(traced, "trace.json"))
    told = {stop.station.name: stop for stop in tour.stops}
    score = told["attention-scores"].cell
    assert score is not None and score.reproduces and "loss" in told
    assert told["query-key-value"].cell is None
    assert told["query-key-value"].no_cell == "its weights are not in the trace"
    assert all(shown.numbers is not None for stop in tour.stops for shown in stop.excerpts)


def test_random_weights_are_said_to_mean_nothing(tokenizer: Any) -> None:
    batch = encode(tokenizer, Sentences(texts=TEXTS), limit=60, truncate=True)
    loaded = as_loaded(tiny_model())
    drawn = type(loaded)(**{**vars(loaded), "weights": "random"})
    tour = walk(Runs(drawn, batch))
    assert "its numbers mean nothing" in words(tour, "configuration") and "means nothing" in words(tour, "answer")
    assert "mean nothing" not in words(tour_of(tiny_model(), tokenizer, TEXTS), "configuration")


ODD = [
    "",
    " ",
    ".",
    "a",
    "!!!",
    "[MASK]",
    "[CLS] [SEP]",
    "<script>alert(1)</script>",
    "[red]x[/]",
    "日本語のテキスト",
    "مرحبا بالعالم",
    "👩‍👩‍👧 and 🎉",
    "e\u0301 café naïve",
    "x" * 70,
    "the the the the",
    "1 2 3 4 5",
    "0.5",
    "A=1, b=2",
    'He said "no".',
    "don't",
    "\x1b[31mred\x1b[0m",
    "a\u202eb",
    "word " * 80,
    "Ünïcödé",
    "tab\tand\nnewline",
]


@pytest.mark.slow
@pytest.mark.parametrize("text", ODD, ids=range(len(ODD)))
def test_a_sentence_of_an_odd_kind_has_every_station(tokenizer: Any, text: str) -> None:
    tour = tour_of(tiny_model(), tokenizer, [text])
    assert len(tour.stops) == 27
    for stop in tour.stops:
        assert all(shown.numbers is not None for shown in stop.excerpts)
        assert stop.cell is None or stop.cell.reproduces
        assert (stop.cell is None) == (stop.station.told is None and not stop.station.probability)


def test_a_station_is_found_by_its_name_a_part_of_it_or_its_number(tokenizer: Any) -> None:
    tour = tour_of(tiny_model(), tokenizer, TEXTS)
    assert tour.place("attention-scores") == tour.place("Attention scores") == tour.place("11") == 10
    assert tour.place("pool") == tour.place("pooler")
    with pytest.raises(UsageError, match="may be several stations"):
        tour.place("norm")
    with pytest.raises(UsageError, match="there is no station 'nowhere'"):
        tour.place("nowhere")
    with pytest.raises(UsageError, match="only with labels"):
        tour.place("loss")
    chooser = tiny(FAMILIES["bert"], MULTIPLE_CHOICE, vocab_size=28996)
    with pytest.raises(UsageError, match="this model has no station 'loss'"):  # labels are for classes of texts
        tour_of(chooser, tokenizer, ["I love"], choices=["cats", "pizza"]).place("loss")
    with pytest.raises(UsageError, match="this model has no station 'gate'"):
        tour.place("gate")


def test_what_is_no_whole_run_has_no_tour(traced: Trace, tokenizer: Any) -> None:
    from bert_inspect.traces.selection import Selection, narrowed

    with pytest.raises(UsageError, match="holds a part of the run"):
        walk(Saved(narrowed(traced, Selection.parse(layer="0")), "trace.json"))
    with pytest.raises(UsageError, match="there is no sentence 3"):
        walk(Saved(traced, "trace.json"), row=2)
    with pytest.raises(UsageError, match="there is no layer 2"):
        walk(Saved(traced, "trace.json"), layer=2)
    last = walk(Saved(traced, "trace.json"), layer=1)
    assert last.stops[last.place("scaling")].cell.layer == 1  # type: ignore[union-attr]


@pytest.mark.slow
def test_what_stands_for_a_text_is_the_token_that_the_model_takes(tokenizer: Any) -> None:
    said = {
        "first": "that of the first token [CLS]",
        "mean": "the mean of all its tokens' vectors",
        "last": "that of the last token",
    }
    for kind, words_ in said.items():
        chooser = tiny(FAMILIES["electra"], MULTIPLE_CHOICE, vocab_size=28996, summary_type=kind)
        assert words_ in words(tour_of(chooser, tokenizer, ["I love"], choices=["cats", "pizza"]), "pooler")
    mean = tiny(FAMILIES["modernbert"], SEQUENCE_CLASSIFICATION, vocab_size=28996, classifier_pooling="mean")
    assert "the mean of the vectors of all real tokens" in words(tour_of(mean, tokenizer, TEXTS), "head")


def test_layers_that_look_at_neighbours_only_are_named(tokenizer: Any) -> None:
    local = tiny(FAMILIES["modernbert"], SEQUENCE_CLASSIFICATION, vocab_size=28996)
    told = words(tour_of(local, tokenizer, TEXTS), "all-layers")
    assert "In layers 1 and 2 attention is local" in told and "Layers 1, 2 and 3 have other steps than layer 0." in told
    batch = encode(tokenizer, Sentences(texts=TEXTS), limit=60, truncate=True)
    second = walk(Runs(as_loaded(local), batch), layer=1, row=1)
    assert "keys that stand too far away are hidden as well" in words(second, "mask")
    assert second.stops[second.place("attention-norm")].cell.layer == 1  # type: ignore[union-attr]


def test_positions_that_are_counted_from_the_padding_are_said_to_be(tokenizer: Any) -> None:
    for name in ("roberta", "mpnet"):
        model = tiny(FAMILIES[name], SEQUENCE_CLASSIFICATION, vocab_size=28996)
        assert "from the padding's id + 1 on" in words(tour_of(model, tokenizer, TEXTS), "position-embeddings")
    assert "Positions are counted from 0; the table has 64 rows" in words(
        tour_of(tiny_model(), tokenizer, TEXTS), "position-embeddings"
    )


def test_one_head_and_one_layer_are_told_as_what_they_are(tokenizer: Any) -> None:
    tour = tour_of(tiny_model(num_hidden_layers=1, num_attention_heads=1), tokenizer, TEXTS)
    assert "Before and after its one layer each token is a vector of 32 numbers." in words(tour, "configuration")
    assert words(tour, "heads").startswith("This model has one head, so query, key and value of each token stay whole")
    assert words(tour, "merged-heads").startswith("There is one head") and "the head made" in words(
        tour, "attention-output"
    )
    questions = " ".join(stop.station.question for stop in tour.stops)
    assert "1 head?" not in questions and "mixed" not in questions


def test_an_activation_is_told_as_what_it_does(tokenizer: Any) -> None:
    said = {
        "gelu": "GELU lets large positive numbers through nearly as they are",
        "gelu_10": "The function gelu_10 is applied to each number by itself.",
        "linear": "This one hands them on as they are.",
    }
    for name, told in said.items():
        tour = tour_of(tiny_model(hidden_act=name, num_hidden_layers=1), tokenizer, TEXTS)
        assert told in words(tour, "activation")
        assert ("no weighted sum can" in words(tour, "activation")) == (name != "linear")


@pytest.mark.slow
def test_what_a_logit_says_depends_on_what_makes_a_probability_of_it(tokenizer: Any) -> None:
    only, above = "only compared with others", "above 0 it says that what it stands for is more likely than not"
    assert only in words(tour_of(tiny_model(), tokenizer, TEXTS), "logits")
    several = tiny_model(num_labels=5, problem_type="multi_label_classification")
    assert above in words(tour_of(several, tokenizer, TEXTS), "logits")
    replaced = tiny(FAMILIES["electra"], REPLACED_TOKENS, vocab_size=28996)
    assert above in words(tour_of(replaced, tokenizer, TEXTS), "logits")
    for settings, told in (({"num_labels": 1}, "the output, out"), ({"num_labels": 3}, "3 outputs, out")):
        regression = words(tour_of(tiny_model(**settings, problem_type="regression"), tokenizer, TEXTS), "logits")
        assert told in regression and "logit " not in regression and "No activation follows" in regression


@pytest.mark.slow
def test_layers_that_share_weights_in_groups_are_counted(tokenizer: Any) -> None:
    said = {1: "with the same weights", 2: "with 2 sets of weights that all 4 layers share", 4: "with other weights"}
    for groups, told in said.items():
        model = tiny(
            FAMILIES["albert"],
            SEQUENCE_CLASSIFICATION,
            vocab_size=28996,
            num_hidden_layers=4,
            num_hidden_groups=groups,
        )
        assert told in words(tour_of(model, tokenizer, TEXTS), "all-layers")


def test_the_activation_of_a_pooler_that_belongs_to_the_head_is_told(tokenizer: Any) -> None:
    tour = tour_of(tiny(FAMILIES["deberta-v2"], SEQUENCE_CLASSIFICATION, vocab_size=28996), tokenizer, TEXTS)
    assert words(tour, "pooler").endswith("with a linear layer and a gelu.")


def test_vectors_that_are_normed_after_the_last_layer_are_said_to_be(tokenizer: Any) -> None:
    normed = tour_of(tiny(FAMILIES["modernbert"], NO_HEAD, vocab_size=28996), tokenizer, TEXTS)
    assert "the vectors of the last layer after the final norm, 32" in words(normed, "last-hidden-state")


@pytest.mark.slow
def test_a_local_layer_hides_what_is_far_only_where_something_is(tokenizer: Any) -> None:
    for window, told in ((4, "hidden as well."), (128, "hidden as well, but here none does.")):
        model = tiny(FAMILIES["modernbert"], NO_HEAD, vocab_size=28996, local_attention=window)
        batch = encode(tokenizer, Sentences(texts=TEXTS), limit=60, truncate=True)
        assert words(walk(Runs(as_loaded(model), batch), layer=1, row=1), "mask").endswith(told)


def test_an_answer_that_means_nothing_is_said_to(tokenizer: Any) -> None:
    batch = encode(tokenizer, Sentences(texts=TEXTS), limit=60, truncate=True)
    loaded = as_loaded(tiny_model())
    partial = type(loaded)(**{**vars(loaded), "weights": "partial"})
    stop = walk(Runs(partial, batch)).stops[-1]
    assert "head were drawn at random, so this answer means nothing" in " ".join(stop.station.text)
    assert "The model says" not in " ".join(stop.station.text)
    assert [row[0] for row in stop.station.tables[0].rows] == ["class 0", "class 1"]
    follows = tiny(FAMILIES["bert"], NEXT_SENTENCE, vocab_size=28996)
    assert "there is one only" in words(tour_of(follows, tokenizer, TEXTS), "answer")
    assert "there is one only" not in words(tour_of(follows, tokenizer, TEXTS, pairs=["So do I.", "No."]), "answer")


def test_what_is_the_same_for_all_texts_is_told_with_the_tokens_of_the_one_that_is_shown(tokenizer: Any) -> None:
    cell = (tour := tour_of(tiny_model(), tokenizer, TEXTS, row=1)).stops[tour.place("position-embeddings")].cell
    assert cell is not None and cell.name.startswith("position embeddings, ") and "sentence" not in cell.name
    assert cell.name.split(", ")[1] in tour.trace.input.tokens[1]
