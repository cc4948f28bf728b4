"""A real Chromium, Debian's, started once; a page in it fails its test if anything goes wrong or out.

On a machine without one these tests are skipped, with one line that says how to get it; in CI they fail.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

Open = Callable[..., Page]
PROGRAM = os.environ.get("CHROMIUM") or shutil.which("chromium")
MISSING = "needs Chromium, and there is none: apt-get install chromium, or name one in CHROMIUM"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if PROGRAM is None and not os.environ.get("CI"):
        here = Path(__file__).parent
        for item in items:
            if item.path.is_relative_to(here):
                item.add_marker(pytest.mark.skip(reason=MISSING))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.fail(MISSING, pytrace=False)
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=PROGRAM, args=["--no-sandbox"])
        yield started
        started.close()


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Iterator[Open]:
    """Open HTML as a file; what the page complains of, and every request but the one for itself, fails the test."""
    contexts, complaints, requests = [], [], []

    def open_page(html: str, **settings: Any) -> Page:
        file = tmp_path / "page.html"
        file.write_text(html)
        context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **settings}
        )
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(5000)
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("dialog", lambda dialog: complaints.append(f"dialog {dialog.message}"))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(file.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    own = (tmp_path / "page.html").as_uri()
    assert complaints == [] and [url for url in requests if url != own and not url.startswith("data:")] == []
