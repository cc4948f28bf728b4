"""The keys of the program. Those that the footer shows first are those that one cannot do without."""

from typing import Final

from textual.binding import Binding, BindingType

TABS: Final = ("tensor", "source", "dataflow", "attention", "explanation", "cell")

KEYS: Final[list[BindingType]] = [
    Binding("q", "quit", "Quit"),
    Binding("question_mark", "help", "Help", key_display="?"),
    Binding("slash", "search", "Search", key_display="/"),
    Binding("f", "filters", "Filter"),
    Binding("t", "text", "Text"),
    Binding("b", "go_back", "Back"),
    Binding("a", "answer", "Answer"),
    Binding("z", "zoom", "Zoom"),
    Binding("d", "dark", "Dark"),
    Binding("x", "clear", "Clear", show=False),
    Binding("c", "changed", "Changed", show=False),
    Binding("p", "padding", "Padding", show=False),
    Binding("v", "dense", "Colours", show=False),
    Binding("m", "largest", "Largest", show=False),
    Binding("o", "output", "Output", show=False),
    Binding("y", "by", "By", show=False),
    Binding("left_square_bracket", "layer(-1)", "Layer", show=False),
    Binding("right_square_bracket", "layer(1)", "Layer", show=False),
    *(
        Binding(key if by > 0 else key.upper(), f"move_along('{key}', {by})", "Along", show=False)
        for key in "shn"
        for by in (1, -1)
    ),
    *(Binding(str(place), f"tab('{name}')", name, show=False) for place, name in enumerate(TABS, start=1)),
    Binding("ctrl+c", "interrupt", "Interrupt", show=False, priority=True),
]
