"""The tour on a full screen: its keys, its list, its sizes."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from textual.pilot import Pilot
from textual.widgets import OptionList
from tui.loop import finished

from bert_inspect import Trace
from bert_inspect.cells.saved import Saved
from bert_inspect.render.walk.terminal import station
from bert_inspect.stations.walk import Walk, walk
from bert_inspect.tui.picture import Picture
from bert_inspect.tui.program import INTERRUPTED
from bert_inspect.tui.tour import Tour

Steps = Callable[[Tour, Pilot[int]], Awaitable[None]]


@pytest.fixture(scope="module")
def tour(traced: Trace) -> Walk:
    return walk(Saved(traced, None))


@asynccontextmanager
async def opened(tour: Walk, size: tuple[int, int] = (120, 40)) -> AsyncIterator[tuple[Tour, Pilot[int]]]:
    app = Tour(tour, lambda at: station(tour, at, lambda command: " ".join(command.before)))
    app.animation_level = "none"
    async with app.run_test(size=size) as pilot:
        await pilot.pause()
        yield app, pilot


def check(tour: Walk, steps: Steps, size: tuple[int, int] = (120, 40)) -> Tour:
    async def run() -> Tour:
        async with opened(tour, size) as (app, pilot):
            await steps(app, pilot)
        return app

    return finished(run())


def shown(app: Tour) -> str:
    return app.query_one(Picture).text


@pytest.mark.slow
def test_keys_go_on_back_to_the_ends_and_to_a_station_of_the_list(tour: Walk) -> None:
    async def steps(app: Tour, pilot: Pilot[int]) -> None:
        assert "1 of 29  The text" in shown(app) and app.query_one(OptionList).highlighted == 0
        await pilot.press("n", "right", "enter")
        assert "4 of 29  Word embeddings" in shown(app) and app.query_one(OptionList).highlighted == 3
        await pilot.press("b", "left")
        assert "2 of 29  Tokens and ids" in shown(app)
        await pilot.press("G", "n")
        assert "29 of 29  The loss" in shown(app)
        await pilot.press("g", "b")
        assert "1 of 29  The text" in shown(app)
        await pilot.press("s", "down", "down", "down", "enter")
        assert "4 of 29  Word embeddings" in shown(app) and app.query_one(Picture).has_focus

    check(tour, steps)


@pytest.mark.slow
def test_a_station_is_reached_by_its_name(tour: Walk) -> None:
    async def steps(app: Tour, pilot: Pilot[int]) -> None:
        await pilot.press("slash", *"scaling", "enter")
        assert "12 of 29  Scaling" in shown(app)
        await pilot.press("slash", *"nothing", "enter")
        assert "12 of 29  Scaling" in shown(app)
        assert "there is no station 'nothing'" in next(note.message for note in app._notifications)
        await pilot.press("slash", *"b", "escape", "n")
        assert "13 of 29" in shown(app)

    check(tour, steps)


def test_escape_leaves_the_list_and_marks_the_station_that_is_read(tour: Walk) -> None:
    async def steps(app: Tour, pilot: Pilot[int]) -> None:
        await pilot.press("n", "s", "down", "down", "escape")
        assert app.at == 1 and app.query_one(Picture).has_focus and not app.screen.has_class("choosing")
        assert app.query_one(OptionList).highlighted == 1

    check(tour, steps, (60, 15))


def test_space_reads_to_the_end_of_a_station_then_goes_on(tour: Walk) -> None:
    async def steps(app: Tour, pilot: Pilot[int]) -> None:
        await pilot.press("n", "n", "n")
        pages = 0
        while app.at == 3:
            await pilot.press("space")
            pages += 1
        assert app.at == 4 and 2 <= pages <= 5 and app.query_one(Picture).scroll_offset.y == 0

    check(tour, steps, (100, 16))


@pytest.mark.slow
@pytest.mark.parametrize(("size", "stations"), [((60, 20), 29), ((80, 24), 5), ((120, 40), 29), ((200, 50), 5)])
def test_every_station_is_there_at_every_size(tour: Walk, size: tuple[int, int], stations: int) -> None:
    """All with the list beside them and all without; at the sizes between, the first of them."""
    assert len(tour.stops) == 29

    async def steps(app: Tour, pilot: Pilot[int]) -> None:
        wide = size[0] >= 100
        assert app.query_one(OptionList).display == wide
        for stop in tour.stops[:stations]:
            assert stop.station.question in " ".join(shown(app).split())
            await pilot.press("n")
        await pilot.press("s")
        assert app.query_one(OptionList).display and app.query_one(OptionList).has_focus
        await pilot.press("home", "d", "s")
        assert app.query_one(OptionList).display == wide

    check(tour, steps, size)


@pytest.mark.slow
def test_it_ends_by_its_keys(tour: Walk) -> None:
    async def leaves(app: Tour, pilot: Pilot[int]) -> None:
        await pilot.press("q")

    async def interrupts(app: Tour, pilot: Pilot[int]) -> None:
        await pilot.press("ctrl+c")

    assert check(tour, leaves).return_value == 0
    assert check(tour, interrupts).return_value == INTERRUPTED
