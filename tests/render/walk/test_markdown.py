"""The tour as Markdown: its numbers are the run's, its links lead somewhere, and text stays text."""

import re

import pytest
from markdown_it import MarkdownIt
from render.walk.tours import KINDS, NAMES, tour_of, written

from bert_inspect.families.heads import Head
from bert_inspect.render.walk.escaping import block, plain, span, table
from bert_inspect.render.walk.markdown import walk_markdown
from bert_inspect.render.walk.words import shape_of
from bert_inspect.safetext import safe_text

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TEXTS = [
    "*a* _b_ `c` **d** ~~e~~ ~f~",
    "<script>alert(1)</script> &amp; <b>x</b>",
    "[x](http://a.b) ![y](z.png) [z]: /u [w][v]",
    "[z]: /u",
    "# one",
    "- two",
    "  3. three",
    "> four",
    "+ five",
    "=====",
    "a | b || c",
    "\\| \\* \\",
    "snake_case_name and _so_",
    "$x$ $$y$$",
    "שלום 日本語 🐈",
    "``` a ``",
]


@pytest.mark.slow
@pytest.mark.parametrize(("family", "head"), KINDS, ids=NAMES)
def test_every_number_is_the_run_s_and_every_picture_is_there(family: str, head: Head) -> None:
    walk, whole = tour_of(family, head)
    document = walk_markdown(walk, "a folder")
    excerpts = [excerpt for stop in walk.stops for excerpt in stop.excerpts]
    at = 0
    for excerpt, numbers in zip(excerpts, written(walk, whole), strict=True):
        title = f"**{plain(excerpt.label)}** {span(shape_of(excerpt))}"
        at = document.text.index(title, at) + len(title)
        rows = document.text[at:].split("\n\n")[1].splitlines()[2:]
        shown = [cell.strip(" *") for row in rows for cell in row.split(" | ")[1:]]
        cells = {cell.strip(" |*") for cell in shown}
        assert cells and cells - {"hidden"} <= numbers, excerpt.label
    shown_pictures = re.findall(r"!\[[^\]]*\]\(a%20folder/([^)]*)\)", document.text)
    assert sorted(shown_pictures) == sorted(document.pictures) and len(shown_pictures) > 3
    for link in re.findall(r"\]\(#([^)]*)\)", document.text):
        assert f'<a id="{link}"></a>' in document.text


@pytest.mark.parametrize("text", TEXTS)
def test_text_stays_text(text: str) -> None:
    for lines in ([plain(text)], [f"> {plain(text)}"], table(["", "t"], [["1", plain(text)]])):
        page = READER.render("\n".join(lines))
        assert not re.search(r"<(?!/?(?:p|blockquote|table|thead|tbody|tr|th|td)\b)", page), page
        bare = re.sub(r"<[^>]*>|\n", "", page)
        assert " ".join(as_html(text).split()) in " ".join(bare.split())


def as_html(text: str) -> str:
    """A text as HTML has it."""
    return safe_text(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


@pytest.mark.parametrize("text", TEXTS)
def test_code_stays_code(text: str) -> None:
    page = READER.render(f"a {span(text)} b")
    shown = re.search(r"<code>(.*)</code>", page)
    assert shown is not None and shown[1].strip() == as_html(text).strip()
    fenced = READER.render("\n".join(block([text, "after"], "text")))
    assert fenced == f'<pre><code class="language-text">{as_html(text)}\nafter\n</code></pre>\n'
    row = READER.render("\n".join(table(["h", ""], [[span("a | b"), plain(text)]])))
    assert row.count("<td>") == 2 and "<code>a | b</code>" in row


def test_an_address_does_not_become_a_link() -> None:
    """GitHub links what looks like one; each is broken by a sign that is not shown."""
    assert plain("https://a.b www.c.d e@f.gh") == "https\\://a.b www\\.c.d e\\@f.gh"
    assert "<a" not in MarkdownIt("commonmark").render(plain("<https://a.b>"))
