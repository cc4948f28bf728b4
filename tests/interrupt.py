"""Runs commands again and again and ends them with a signal, each time at another call of a Python function.

    python interrupt.py FOLDER '[["SIGINT", 4, ["show", "t.json", "-o", "{folder}/t.json"]], ...]'

Each run is a fork of this process; ``{folder}`` is a new, empty folder for each. A line of JSON comes out for each run:
its signal and its arguments, how the process ended, what it wrote to stderr, and the files in its folder.
"""

import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from bert_inspect import signals

OUR_WRITING = ("files.py", "tensor_file.py", "codec.py", "trace_file.py", "many.py")


def child(arguments: list[str], folder: Path, number: int, moment: int | None) -> None:
    """Become the command; with ``moment`` None write down how many calls there are, and which are of our writing."""
    for descriptor, name in ((1, "stdout"), (2, "stderr")):
        os.dup2(os.open(folder.with_name(f"{folder.name}.{name}"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC), descriptor)
    calls = 0
    writing: list[int] = []

    def count(frame: FrameType, event: str, _: Any) -> None:
        nonlocal calls
        if event == "call":
            calls += 1
            if calls == moment:
                signal.raise_signal(number)
            if moment is None and frame.f_code.co_filename.endswith(OUR_WRITING):
                writing.append(calls)

    leave = os._exit

    def write_down(code: int) -> None:
        sys.setprofile(None)
        folder.with_name("calls").write_text(json.dumps([calls, writing]))
        leave(code)

    if moment is None:
        os._exit = write_down  # type: ignore[assignment]
    sys.argv = ["bert-inspect", *[argument.format(folder=folder) for argument in arguments]]
    from bert_inspect.__main__ import main

    signal.signal(number, signal.SIG_DFL)  # a shell that runs the tests behind its back has it ignored
    signals.end_at_once()
    sys.setprofile(count)
    main()


def attempt(arguments: list[str], folder: Path, name: str, moment: int | None) -> dict[str, Any]:
    """Run the command in a fork and return how it ended."""
    folder.mkdir()
    process = os.fork()
    if not process:
        child(arguments, folder, getattr(signal, name), moment)
    _, status = os.waitpid(process, 0)
    return {
        "signal": name,
        "arguments": arguments,
        "moment": moment,
        "code": os.waitstatus_to_exitcode(status),
        "stderr": folder.with_name(f"{folder.name}.stderr").read_text(),
        "files": [str(path) for path in sorted(folder.iterdir())],
    }


def attempts(folder: Path, name: str, moments: int, arguments: list[str]) -> None:
    """Look at the command once undisturbed, then end it at moments spread over it and over its writing."""
    folder.mkdir()
    if arguments[0] == "run":  # what it needs is imported once, not in each fork; `show` does import all it needs
        from bert_inspect.__main__ import run

        (folder / "first").mkdir()
        run([argument.format(folder=folder / "first") for argument in arguments])
    whole = attempt(arguments, folder / "whole", name, None)
    assert whole["code"] == 0, whole
    calls, writing = json.loads((folder / "calls").read_text())
    spread = [1 + calls * i // moments for i in range(moments)]
    written = [writing[len(writing) * i // moments] for i in range(moments)]
    for moment in dict.fromkeys([*spread, *written]):
        # The first run's own output may have left the line unfinished.
        sys.stdout.write("\n" + json.dumps(attempt(arguments, folder / str(moment), name, moment)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    for number, job in enumerate(json.loads(sys.argv[2])):
        attempts(Path(sys.argv[1]) / str(number), *job)
