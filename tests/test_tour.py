"""The tour in Python: it displays itself, and so do its stations, and it saves as a page."""

from pathlib import Path
from typing import Any

import pytest
from helpers import TEXTS

from bert_inspect import Walk, walk
from bert_inspect.errors import UsageError


@pytest.fixture(scope="module")
def tour(model: Any, tokenizer: Any) -> Walk:
    return walk(model, tokenizer, TEXTS, labels=[1, 0], row=1, layer=1)


def test_it_is_of_the_sentence_and_layer_that_were_asked_for(tour: Walk) -> None:
    assert (tour.row, tour.layer, tour.has_numbers) == (1, 1, True)
    assert tour.names[0] == "text" and tour.names[-1] == "loss" and len(tour) == len(tour.names)
    assert [stop.name for stop in tour] == tour.names


def test_a_station_by_name_part_of_it_or_number(tour: Walk) -> None:
    assert tour["attention-scores"].name == tour["attention scores"].name == "attention-scores"
    assert tour[1].name == "text" and tour["pool"].name == "pooler"
    with pytest.raises(UsageError, match="no station"):
        tour["nowhere"]


def test_a_tour_a_station_and_its_arithmetic_display_themselves(tour: Walk) -> None:
    station = tour["attention-scores"]
    arithmetic = station.arithmetic
    assert arithmetic is not None and arithmetic.cell.label == "attention scores" and arithmetic.cell.reproduces
    assert tour["text"].arithmetic is None
    plain = [thing._repr_mimebundle_()["text/plain"] for thing in (tour, station, arithmetic)]
    assert all(f"{at} of {len(tour)}  " in plain[0] for at in range(1, len(tour) + 1))
    assert "How well does each query fit each key?" in plain[1] and "$ bert-inspect" not in plain[0]
    assert plain[2].startswith("attention scores, layer 1, sentence 2, head")
    assert repr(station).endswith("attention-scores>") and "stations>" in repr(tour)


def test_it_saves_as_a_page(tour: Walk, tmp_path: Path) -> None:
    tour.save(tmp_path / "w.html")
    assert (tmp_path / "w.html").read_text().startswith("<!doctype html>")
