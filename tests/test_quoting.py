"""Words of a command line are read by a shell as what they are, and a screen shows them as they are typed."""

import subprocess

from bert_inspect.quoting import typed
from bert_inspect.safetext import safe_text

WORDS = [
    "plain",
    "I love cats!",
    "two\nlines",
    "a\tb\\n",
    "\x1b[31mred\x1b[0m",
    "a\u202eb 'c'",
    "\x85 é",
    "$(id) `id` \"q\" 'x'",
    "日本語 👩\u200d👧",
    "",
]


def test_a_shell_reads_what_is_typed() -> None:
    line = typed(["printf", "%s\\0", *WORDS])
    done = subprocess.run(["bash", "-c", line], capture_output=True, check=True, env={"LC_ALL": "C.UTF-8"})
    assert done.stdout.decode().split("\0")[:-1] == WORDS


def test_a_screen_shows_it_as_it_is_typed() -> None:
    assert all(safe_text(typed([word])) == typed([word]) for word in WORDS)
