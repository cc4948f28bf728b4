"""The tour as a page: what stands there is the run's, whatever model ran."""

import html
import re

import pytest
from render.walk.tours import KINDS, NAMES, tour_of, written

from bert_inspect.families.heads import Head
from bert_inspect.render.walk.matrix import matrix
from bert_inspect.render.walk.page import walk_html, walk_part
from bert_inspect.render.walk.pictures import Picture, boxes, component_svg
from bert_inspect.render.walk.words import shape_of
from bert_inspect.safetext import safe_text
from bert_inspect.stations.excerpt import Excerpt

FIGURE = re.compile(r'<figure class="tensor">(.*?)</figure>', re.DOTALL)
NUMBER = re.compile(r"<td[^>]*>([^<]+)</td>")


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), KINDS, ids=NAMES)
def test_every_number_shape_and_line_of_a_page_is_the_run_s(family: str, head: Head) -> None:
    walk, whole = tour_of(family, head)
    page = walk_html(walk)
    figures = FIGURE.findall(page)
    excerpts = [excerpt for stop in walk.stops for excerpt in stop.excerpts]
    assert len(figures) == len(excerpts) > 10
    for figure, excerpt, numbers in zip(figures, excerpts, written(walk, whole), strict=True):
        shown = NUMBER.findall(figure)
        assert shown and set(shown) - {"hidden"} <= numbers, excerpt.label
        assert shape_of(excerpt) in figure
        assert list(excerpt.shape) == whole.steps[excerpt.step].outputs[excerpt.place].shape
    recorded = {(step.source.file, step.source.line) for step in whole.steps if step.source is not None}
    statements = [statement for stop in walk.stops for statement in stop.code]
    for each in statements:
        assert any((each.file, line) in recorded for line in range(each.line, each.line + len(each.lines)))
    text = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert all(safe_text(line) in text for each in statements for line in each.lines)


def test_each_station_has_an_anchor_and_is_reached_from_the_contents_and_its_neighbours() -> None:
    walk, _ = tour_of("bert")
    page = walk_html(walk)
    ids = re.findall(r'<section class="station" id="([^"]*)"', page)
    assert ids == [*walk.names, "whole-model"]
    links = re.findall(r'href="#([^"]*)"', page)
    assert set(ids) <= set(links) and all(page.count(f'id="{link}"') == 1 for link in links)


def test_an_id_is_given_once() -> None:
    for page in (walk_html(tour_of("bert")[0]), walk_part(tour_of("bert")[0])):
        ids = re.findall(r' id="([^"]*)"', page)
        assert len(ids) == len(set(ids))


def test_a_component_is_drawn_once_and_each_station_s_steps_are_outlined() -> None:
    walk, _ = tour_of("bert")
    page = walk_html(walk)
    stop = next(stop for stop in walk.stops if stop.station.name == "attention-scores")
    picture = component_svg(walk, stop.station)
    assert picture is not None and page.count('id="picture-query-key-value"') == 1
    drawn = {box.step for box in boxes(picture)}
    section = page[page.index('id="attention-scores"') : page.index('id="scaling"')]
    assert section.count('class="marked-step"') == len(drawn & set(stop.station.steps)) == 2
    assert '<use href="#picture-query-key-value"/>' in section


def test_boxes_are_where_the_steps_are_drawn() -> None:
    picture = (
        '<svg xmlns="http://www.w3.org/2000/svg"><g transform="translate(10 20)"><rect data-step="1" class="frame" '
        'x="1" y="2" width="30" height="40"/><g transform="translate(5 5)"><g data-step="2"><title/>'
        '<rect class="card" x="9" y="9"/><rect class="shape op" x="6" y="6" width="8" height="8"/></g></g></g>'
        '<g data-step="3"><rect class="shape linear" x="0" y="0" width="7" height="8"/></g></svg>'
    )
    found = {box.step: (box.x, box.y, box.width, box.height) for box in boxes(picture)}
    assert found == {1: (11, 22, 30, 40), 2: (21, 31, 8, 8), 3: (0, 0, 7, 8)}


def test_text_of_a_picture_is_no_markup_of_it() -> None:
    start = '<svg aria-labelledby="p-title p-text" width="1" height="1">'
    inside = '<rect class="page"/><text>data-step=&quot;1&quot;</text>'
    held = Picture(key="p", text=f'{start}<style>a</style><desc id="p-text"/>{inside}</svg>')
    drawn = f'{start}<desc id="p-text"/><g id="p" class="dataflow">{inside}</g></svg>'
    assert held.drawn(frozenset()) == drawn
    assert 'aria-label="a &quot;b&quot;"' in held.again(frozenset(), 'a "b"')


def test_one_station_alone_has_its_diagram_and_no_others() -> None:
    walk, _ = tour_of("bert")
    page = walk_html(walk, only=walk.place("attention-scores"))
    assert re.findall(r'<section class="station" id="([^"]*)"', page) == ["attention-scores"]
    assert "<use" not in page and 'class="marked-step"' in page and "whole-model" not in page


def test_a_hidden_score_is_no_number_and_what_is_told_is_outlined() -> None:
    excerpt = Excerpt(
        label="masked attention scores",
        step=1,
        shape=(1, 3),
        axes=("query tokens", "key tokens"),
        where="",
        rows=("<a>",),
        columns=("a", "b", "c"),
        row_axis="query token",
        column_axis="key token",
        numbers=((4.5, -2.25, -3.4e38),),
        hidden_below=-1e30,
        marked=(0, 0),
    )
    ((name, entries),) = matrix(excerpt).rows
    assert name == "<a>" and [(entry.text, entry.classes) for entry in entries] == [
        ("4.5000", "for-8 followed"),
        ("-2.2500", "against-4"),
        ("hidden", "hidden-score"),
    ]


def test_of_hundreds_of_columns_the_one_that_is_told_is_shown() -> None:
    excerpt = Excerpt(
        label="word embeddings",
        step=1,
        shape=(1, 300),
        axes=("tokens", "hidden"),
        where="",
        rows=("a",),
        columns=tuple(map(str, [*range(23), 196])),
        numbers=(tuple(float(at) for at in [*range(23), 196]),),
        more_columns=276,
        marked=(0, 23),
    )
    held = matrix(excerpt)
    assert [column.name for column in held.columns] == [*map(str, range(10)), "196"]
    assert (
        held.columns[-1].classes == "after-gap"
        and held.rows[0][1][-1].text == "196"
        and held.left_out == "289 more columns"
    )


def test_commands_are_shown_as_they_are_typed() -> None:
    walk, _ = tour_of("bert")
    page = walk_html(walk, lambda command: f"typed <{command.before[0]}>")
    assert "<code>typed &lt;tokens&gt;</code>" in page and "on the command line" in page
    assert "on the command line" not in walk_html(walk)
