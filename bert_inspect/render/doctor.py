"""A diagnosis in the terminal: a line a question, and what to do under those that need it."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from ..analysis.doctor.diagnosis import Diagnosis, Finding
from ..safetext import safe_text
from .words import BAD, DIM, KNOWN, NAME, WARN, plural

_STYLES = {"pass": KNOWN, "warn": WARN, "fail": BAD}


def diagnosis_page(diagnosis: Diagnosis) -> Group:
    """Return the findings as a renderable, the answer first."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for finding in diagnosis.findings:
        table.add_row(Text(finding.verdict, _STYLES[finding.verdict]), Text(finding.question), _said(finding))
    return Group(answer(diagnosis), Text(), table)


def answer(diagnosis: Diagnosis) -> Text:
    """Return the answer in a line."""
    counts = {verdict: sum(each.verdict == verdict for each in diagnosis.findings) for verdict in _STYLES}
    health = "healthy" if diagnosis.healthy else "not healthy"
    found = ", ".join(
        part
        for part in (f"{counts['fail']} failed", plural(counts["warn"], "warning"), f"{counts['pass']} passed")
        if not part.startswith("0 ")
    )
    return Text.assemble(
        (f"{safe_text(diagnosis.model)}  ", NAME), (health, KNOWN if diagnosis.healthy else BAD), f": {found}"
    )


def _said(finding: Finding) -> Text:
    text = Text(safe_text(finding.evidence))
    if finding.fix is not None and finding.verdict != "pass":
        text.append(f"\n{safe_text(finding.fix)}", DIM)
    return text
