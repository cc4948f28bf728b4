"""The page on a profile in a real browser: on a phone, on a desk, in the dark; with odd text in it."""

from collections.abc import Callable

import numpy as np
import pytest
from msgspec import structs
from playwright.sync_api import Page
from profiles.made import Answer, Made

from bert_inspect.profiles.record import Profile
from bert_inspect.render.report import profile_html

pytestmark = pytest.mark.slow

Open = Callable[..., Page]
ODD = f"{'w' * 90} <img src=x onerror=alert(1)> \u202e.txt"


@pytest.fixture(scope="module")
def profile() -> Profile:
    made = Made(examples=3, answers=[Answer(index=1, probability=0.75, label=0)], more={"n" * 60: np.arange(9.0)})
    made.hidden[1:, :, 7] = 40
    made.units[1, :, 5] = 0
    found = made.profile()
    return structs.replace(found, input=structs.replace(found.input, files=[ODD]))


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_nothing_lies_beside_the_screen_and_all_of_it_opens(show: Open, profile: Profile, width: int) -> None:
    page = show(profile_html(profile), viewport={"width": width, "height": 800}, color_scheme="dark")
    page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert page.locator("svg.hist").count() > 8 and page.locator("img").count() == 0
    assert page.locator(".magnitudes svg").bounding_box()["width"] >= 300  # type: ignore[index]


def test_the_map_shows_an_outlier_where_it_is(show: Open, profile: Profile) -> None:
    page = show(profile_html(profile), viewport={"width": 1400, "height": 900}, color_scheme="light")
    box = page.locator(".magnitudes svg").bounding_box()
    assert box is not None
    colours = page.evaluate(
        """async () => {
          const found = [];
          for (const image of document.querySelectorAll('.magnitudes image')) {
            const drawn = new Image();
            drawn.src = image.getAttribute('href');
            await drawn.decode();
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [drawn.width, drawn.height];
            const pen = canvas.getContext('2d');
            pen.drawImage(drawn, 0, 0);
            found.push([drawn.width, drawn.height, [...pen.getImageData(7, 2, 1, 1).data]]);
          }
          return found;
        }"""
    )
    assert [found[:2] for found in colours] == [[48, 4], [48, 4]]
    assert colours[0][2][3] == 0 and colours[1][2][3] == 255
