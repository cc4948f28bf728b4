"""The style of an SVG: the colours of a light and of a dark page, which the reader's own setting chooses."""

from ..font import FAMILIES

# Colours by what they are for; of each pair the first is for a light page, the second for a dark one.
_COLOURS = {
    "page": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "quiet": ("#59636e", "#9198a1"),
    "wire": ("#57606a", "#8b949e"),
    "frame": ("#c3ccd6", "#3d444d"),
    "tint": ("#0b3d91", "#9ecbff"),
    "mark": ("#0757ba", "#79b8ff"),
}
_FILLS = {
    "linear": ("#dbeafe", "#5b9bf0", "#16335c", "#4f8ff0"),
    "embedding": ("#d6f5e0", "#3fb868", "#123a25", "#2ea956"),
    "norm": ("#fdf0c8", "#dba510", "#3f3209", "#c9970f"),
    "activation": ("#fde3ef", "#e873a7", "#471a33", "#d9578f"),
    "idle": ("#eef1f4", "#98a3af", "#21262d", "#6e7681"),
    "other": ("#e2e8f0", "#7b8aa0", "#252d3a", "#7688a3"),
    "op": ("#ffffff", "#57606a", "#161b22", "#9198a1"),
    "input": ("#ebe6fd", "#9275ec", "#2a2150", "#8a6cf0"),
    "output": ("#ebe6fd", "#9275ec", "#2a2150", "#8a6cf0"),
    "parameter": ("#ffffff", "#9275ec", "#161b22", "#8a6cf0"),
    "text": ("#ffffff", "#c3ccd6", "#161b22", "#3d444d"),
    "tokenizer": ("#d5f2f5", "#2ba3b4", "#0f3840", "#2a9fb0"),
}


def fills(name: str, *, dark: bool = False) -> tuple[str, str]:
    """Return the colours of what a kind of node is filled with, and of its border."""
    four = _FILLS[name]
    return four[2 * dark], four[2 * dark + 1]


def _rules(*, dark: bool) -> str:
    colour = {name: pair[dark] for name, pair in _COLOURS.items()}
    rules = [
        f".dataflow .page{{fill:{colour['page']}}}",
        f".dataflow text{{fill:{colour['ink']}}}",
        f".dataflow .quiet{{fill:{colour['quiet']}}}",
        f".dataflow .frame{{stroke:{colour['frame']};fill:{colour['tint']}}}",
        f".dataflow .card{{stroke:{colour['frame']};fill:{colour['page']}}}",
        f".dataflow .wire{{stroke:{colour['wire']}}}",
        f".dataflow .head{{fill:{colour['wire']}}}",
        f".dataflow .badge{{fill:{colour['quiet']}}}",
        f".dataflow .times{{fill:{colour['page']}}}",
        *(".dataflow .{}{{fill:{};stroke:{}}}".format(name, *fills(name, dark=dark)) for name in _FILLS),
        f".dataflow .marked{{stroke:{colour['mark']};stroke-width:3}}",
    ]
    return "".join(rules)


# What a dark page changes stands last; a program that knows no media queries (resvg) shows the light one.
STYLE = (
    f".dataflow text{{font-family:{FAMILIES}}}"
    ".dataflow .name{font-size:13px}.dataflow .type,.dataflow .note{font-size:11px}"
    ".dataflow .title,.dataflow .part{font-size:14px;font-weight:700}"
    ".dataflow .strong{font-weight:700}.dataflow .mid{text-anchor:middle}"
    ".dataflow .frame{fill-opacity:.035;stroke-width:1.2}.dataflow .card{stroke-width:1.2}"
    ".dataflow .wire{fill:none;stroke-width:1.5}.dataflow .shape{stroke-width:1.3}"
    ".dataflow .idle,.dataflow .parameter{stroke-dasharray:4 3}"
    + _rules(dark=False)
    + f"@media (prefers-color-scheme:dark){{{_rules(dark=True)}}}"
)
