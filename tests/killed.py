"""Runs a command over many sentences again and again, each time in a fork that is killed, until one ends by itself.

    python killed.py ARGUMENT...

A fork kills itself (SIGKILL) while it writes a line, after at most two whole ones. At
the end stands one line of JSON: how each fork ended.
"""

import json
import os
import random
import signal
import sys
from typing import Any

from bert_inspect import files
from bert_inspect.__main__ import run


def killing(whole: int, rest: float) -> Any:
    """A `write_all` that writes so many lines, of the next one a part, and no more."""
    write, left = files.write_all, whole

    def some(raw: Any, data: bytes) -> None:
        nonlocal left
        if not left:
            raw.write(data[: int(rest * len(data))])
            os.kill(os.getpid(), signal.SIGKILL)
        left -= 1
        write(raw, data)

    return some


def main(arguments: list[str]) -> None:
    """Go on until a fork is left alive."""
    chance, ends = random.Random(1), list[int]()
    run(["run", "x", *arguments[arguments.index("--model") :][:2], "--quiet", "-o", os.devnull])  # imports, once
    while not ends or ends[-1] == -signal.SIGKILL:
        files_write = killing(chance.randrange(3), chance.choice([0.0, 1.0, chance.random()]))
        child = os.fork()
        if not child:
            files.write_all = files_write
            os._exit(run(arguments))
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(ends) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
