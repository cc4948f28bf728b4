"""What the page's section on an explanation is filled with: everything in it is text, and safe to show."""

from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True, kw_only=True)
class Shaded:
    """A text on the colour of its share: ``shade`` is the class of that colour, ``said`` what is said of it, ``key``
    that of its row, ``apart`` that a space goes before it; ``narrow`` is the text where there is little room.
    """

    text: str
    narrow: str = ""
    kind: str = "share"
    shade: str = ""
    said: str = ""
    key: str = ""
    apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Bar:
    """A row with its share and its bar: where that begins, how long it is and where zero stands, in percent of the room
    for bars.
    """

    name: str
    share: str
    place: str = ""
    key: str = ""
    kinds: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    quiet: bool = False
    begins: str = "0"
    length: str = "0"
    zero: str = "0"
    side: str = "for"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Rows with bars; ``columns`` are the titles between name and share, ``after`` those behind the bars."""

    title: str
    columns: tuple[str, ...]
    rows: list[Bar]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Map:
    """Numbers on the colours of their sizes: rows of layers, or of tokens. ``corner`` says what the columns are, a row
    has the number of its layer or the place of its token, its name, and its cells.
    """

    caption: str
    corner: str
    columns: list[str]
    rows: list[tuple[str, str, list[Shaded]]]
    tokens: bool = False


@dataclass(frozen=True, kw_only=True)
class Check:
    """What the check found: a verdict, the curves as SVG, and tables: title, note, columns, rows."""

    verdict: str
    counted: str
    curves: str
    chart: Markup
    tables: list[tuple[str, str, list[str], list[tuple[str, list[str]]]]]


@dataclass(frozen=True, kw_only=True)
class Told:
    """One answer explained. What its explanation is not about is empty."""

    number: str
    heading: str
    title: str
    legend: tuple[str, str]
    texts: list[tuple[str, list[Shaded]]] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    map: Map | None = None
    neurons: list[str] = field(default_factory=list)
    layer_titles: tuple[str, ...] = ()
    layers: list[tuple[Bar, str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    totals: str = ""
    sums: list[tuple[str, bool]] = field(default_factory=list)
    check: Check | None = None


@dataclass(frozen=True, kw_only=True)
class Why:
    """An explanation as the page shows it; ``noise`` says why it means nothing, where it does not."""

    noise: str
    notes: list[str]
    answers: list[Told]
    more: int

    @property
    def pictures(self) -> str:
        """All of it that is SVG."""
        return "".join(str(answer.check.chart) for answer in self.answers if answer.check is not None)
