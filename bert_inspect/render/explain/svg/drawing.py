"""What the pictures of an explanation as SVG are made of: texts, boxes, lines; and the colours of both schemes."""

from html import escape

from ....safetext import safe_document
from ...font import FAMILIES, wrapped

WIDTH = 864.0
MARGIN = 28.0
TEXT, ROW, LINE = 12.0, 19.0, 17.0
"""The size of texts, how high a row is, and a line of text."""

_RULES = {
    "text": ("fill", "#1f2328", "#e6edf3"),
    ".page": ("fill", "#ffffff", "#0d1117"),
    ".empty": ("fill", "#f1f4f8", "#161c25"),
    ".quiet": ("fill", "#59636e", "#9198a1"),
    ".for": ("fill", "#2f81f7", "#2f81f7"),
    ".against": ("fill", "#d9640a", "#e8710a"),
    ".bad": ("fill", "#c62828", "#ff7b72"),
    ".zero": ("stroke", "#59636e", "#9198a1"),
    ".grid": ("stroke", "#d8dee4", "#30363d"),
    ".own": ("stroke", "#2f81f7", "#58a6ff"),
    ".other": ("stroke", "#59636e", "#9198a1"),
}
"""What has a colour: on a light page and on a dark one."""


def _rules(*, dark: bool) -> str:
    return "".join(f".why {name}{{{what}:{pair[dark]}}}" for name, (what, *pair) in _RULES.items())


_STYLE = (
    f".why text{{font-family:{FAMILIES};"
    "font-size:12px;white-space:pre}"
    ".why .title{font-size:20px;font-weight:600}.why .head{font-size:14px;font-weight:600}.why .strong{font-weight:600}"
    ".why .big{font-size:16px}.why .end{text-anchor:end}.why .mid{text-anchor:middle}"
    ".why .line{fill:none;stroke-width:1.5}.why .own{stroke-width:2.5}.why .dashed{stroke-dasharray:6 4}"
    ".why .dotted{stroke-dasharray:2 3}"
    + _rules(dark=False)
    + f"@media (prefers-color-scheme:dark){{{_rules(dark=True)}}}"
    + ".why.noise .for,.why.noise .against{fill:#8b949e}"
)


class Drawing:
    """The elements so far, how far down they reach, and what they say in words; without colours where that is noise."""

    def __init__(self, width: float = WIDTH, *, noise: bool = False) -> None:
        self.parts: list[str] = []
        self.words: list[str] = []
        self.y = 0.0
        self.width = width
        self.noise = noise

    def text(self, text: str, x: float, y: float, style: str = "", *, length: float | None = None) -> None:
        """Write a text; with ``length`` it takes so much room, whatever the font."""
        fit = "" if length is None else f' textLength="{n(length)}" lengthAdjust="spacingAndGlyphs"'
        self.parts.append(f'<text class="{style}" x="{n(x)}" y="{n(y)}"{fit}>{escape(text)}</text>')

    def paragraph(self, text: str, style: str = "", *, size: float = TEXT) -> None:
        """Write a text in as many lines as it needs, and go down by them."""
        self.words.append(text)
        bold = style.startswith(("head", "strong", "title"))
        for line in wrapped(text, size, self.width, bold=bold):
            self.text(line, 0, self.y, style)
            self.y += LINE * size / TEXT

    def box(self, x: float, y: float, width: float, height: float, *, style: str, opacity: float = 1.0) -> None:
        """Draw a rectangle."""
        seen = "" if opacity == 1 else f' fill-opacity="{n(opacity, 3)}"'
        self.parts.append(
            f'<rect class="{style}" x="{n(x)}" y="{n(y)}" width="{n(width, 2)}" height="{n(height)}"{seen}/>'
        )

    def line(self, points: list[tuple[float, float]], style: str) -> None:
        """Draw a line along points."""
        path = "L".join(f"{n(x)} {n(y)}" for x, y in points)
        self.parts.append(f'<path class="line {style}" d="M{path}"/>')

    def told(self, what: str) -> None:
        """Begin a group that tells what it is; `end` ends it."""
        self.parts.append(f"<g><title>{escape(what)}</title>")

    def end(self) -> None:
        """End a group."""
        self.parts.append("</g>")

    def svg(self, title: str, *, name: str = "why") -> str:
        """Return all of it as a file, or for a page; ``name`` begins the ids in it."""
        wide, high = self.width + 2 * MARGIN, self.y + 2 * MARGIN
        size = f'width="{wide:.0f}" height="{high:.0f}"'
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="why{" noise" if self.noise else ""}" role="img" '
            f'aria-labelledby="{name}-title {name}-text" {size} viewBox="0 0 {wide:.0f} {high:.0f}">',
            f'<title id="{name}-title">{escape(title)}</title>',
            f'<desc id="{name}-text">{escape(chr(10).join(self.words))}</desc>',
            f"<style>{_STYLE}</style>",
            f'<rect class="page" {size}/>',
            f'<g transform="translate({n(MARGIN)} {n(MARGIN)})">',
            *self.parts,
            "</g>",
            "</svg>",
            "",
        ]
        return safe_document("\n".join(lines))


def n(value: float, digits: int = 1) -> str:
    """Return a number as short as it may be."""
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
