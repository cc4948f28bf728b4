"""Runs a command that profiles a corpus again and again, each time in a fork that is killed, until one ends by itself.

    python killed_profile.py ARGUMENT...

A fork saves after each block, and kills itself (SIGKILL) at a random moment: before a block is added, while a save is
written, or before or after that takes its place. At the end stands one line of JSON: how each fork ended.
"""

import json
import os
import random
import signal
import sys
from pathlib import Path
from typing import Any

from bert_inspect.__main__ import run
from bert_inspect.analysis.profiling import local
from bert_inspect.profiles import profile_file
from bert_inspect.profiles.total import Total


def dies(function: Any, calls: int, *, after: bool = False) -> Any:
    """A function that kills its process at one of its calls, before or after it does its work."""
    left = calls

    def until(*args: Any, **kwargs: Any) -> Any:
        nonlocal left
        left -= 1
        if left < 0 and not after:
            os.kill(os.getpid(), signal.SIGKILL)
        found = function(*args, **kwargs)
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return found

    return until


MOMENTS = [
    (Total, "add_all", False),
    (profile_file, "profile_json", False),
    (Path, "replace", False),
    (Path, "replace", True),
]


def main(arguments: list[str]) -> None:
    """Go on until a fork is left alive."""
    chance, ends = random.Random(1), list[int]()
    local.SECONDS_BETWEEN_SAVES = 0.0  # type: ignore[misc]
    run(["run", "x", *arguments[arguments.index("--model") :][:2], "--quiet", "-o", os.devnull])  # imports, once
    while not ends or ends[-1] == -signal.SIGKILL:
        where, name, after = MOMENTS[len(ends) % len(MOMENTS)]
        replaced = dies(getattr(where, name), chance.randrange(1, 3), after=after)
        child = os.fork()
        if not child:
            setattr(where, name, replaced)
            os._exit(run(arguments))
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(ends) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
