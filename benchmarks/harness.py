"""Ratios that a noisy machine cannot spoil: candidate and baseline run in turns, and the median of the pairs counts."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

ENVIRONMENT = {**os.environ, "HF_HUB_OFFLINE": "1"}


class Process(NamedTuple):
    """What one process took: seconds of wall clock, and its peak resident memory in MiB."""

    seconds: float
    peak: float


def process(command: Sequence[str], *, stdin: bytes = b"") -> Process:
    """Run a command to its end, its output thrown away."""
    begun = time.perf_counter()
    child = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=ENVIRONMENT
    )
    assert child.stdin is not None and child.stderr is not None
    child.stdin.write(stdin)
    child.stdin.close()
    told = child.stderr.read()
    _, status, usage = os.wait4(child.pid, 0)
    seconds = time.perf_counter() - begun
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}: {told.decode()}")
    return Process(seconds, usage.ru_maxrss / 1024)


def seconds(work: Callable[[], object]) -> float:
    """Return the seconds that a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def paired(candidate: Callable[[], float], baseline: Callable[[], float], *, pairs: int) -> float:
    """Return the median of candidate / baseline over interleaved pairs, after one of each that does not count."""
    baseline()
    candidate()
    ratios = []
    for number in range(pairs):
        if number % 2:
            top, bottom = candidate(), baseline()
        else:
            bottom, top = baseline(), candidate()
        ratios.append(top / bottom)
    return statistics.median(ratios)


def circumstances(*others: str) -> str:
    """Say when and where this was measured, and with which versions, of other packages too."""
    names = ("bert-inspect", "torch", "transformers", "typer", "rich", "msgspec", *others)
    parts = [f"{name} {version(name)}" for name in names]
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    model = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.machine())
    where = f"{os.cpu_count()} cores of {model}, Python {platform.python_version()}"
    return f"{date.today().isoformat()}; {where}; {', '.join(parts)}."


def read_table(file: Path, name: str) -> list[str]:
    """Return the lines between the marks of that name in a Markdown file."""
    return file.read_text().split(f"<!-- {name} -->\n")[1].split(f"\n<!-- end of {name} -->")[0].splitlines()


def write_table(file: Path, name: str, lines: Sequence[str]) -> None:
    """Put lines between the marks of that name in a Markdown file."""
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    head, rest = file.read_text().split(begin)
    _, tail = rest.split(end)
    file.write_text(head + begin + "\n" + "\n".join(lines) + "\n" + end + tail)
