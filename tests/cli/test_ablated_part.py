"""`report --ablate-map`: the numbers of `ablate` stand in the page, or it is said why none do."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from helpers import TEXTS

Command = Callable[..., tuple[int, str, str]]


@pytest.mark.slow
def test_the_map_holds_what_ablate_says(command: Command, checkpoint: Path) -> None:
    told = json.loads(command("ablate", TEXTS[0], "--model", checkpoint, "--json")[1])["answers"][0]
    code, html, _ = command("report", TEXTS[0], "--model", checkpoint, "--ablate-map", "-o", "-")
    assert code == 0 and "What matters</h2>" in html
    cells = re.findall(r'title="layer (\d) head (\d) ([^"]+)"', html)
    assert len(cells) == len(told["effects"]) == 8
    for (layer, head, number), effect in zip(cells, told["effects"], strict=True):
        assert (int(layer), int(head)) == (effect["layer"], effect["number"])
        assert float(number) == pytest.approx(effect["effect"], rel=1e-2, abs=1e-9)
    assert "What matters</h2>" not in command("report", TEXTS[0], "--model", checkpoint, "-o", "-")[1]


def test_of_many_sentences_the_first_are_shown_and_the_rest_told_of(command: Command, checkpoint: Path) -> None:
    texts = [f"cats {'love ' * count}pizza" for count in range(6)]
    code, html, _ = command("report", *texts, "--model", checkpoint, "--ablate-map", "-o", "-")
    section = html.partition('id="effects"')[2].partition("</section>")[0]
    assert code == 0 and section.count("<h3>") == 4 and "of the first 4 sentences of 6" in html


def test_random_weights_are_warned_of_as_ablate_does(command: Command) -> None:
    given = ("cats", "--model", "bert-tiny", "--weights", "random")
    warning = "and so is what an edit does to them"
    html = command("report", *given, "--ablate-map", "-o", "-")[1]
    section = html.partition('id="effects"')[2].partition("</section>")[0]
    assert warning in command("ablate", *given)[1] and warning in section
    assert "why-answer meaningless" in section and "LABEL_" not in section and "stays" not in section


def test_what_has_no_answer_has_no_map_and_says_so(command: Command, checkpoint: Path) -> None:
    given = ("cats", "--model", checkpoint, "--task", "feature-extraction")
    code, html, _ = command("report", *given, "--ablate-map", "-o", "-")
    assert code == 0 and "What matters</h2>" not in html and "what matters: " in html


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--trace", "saved.json"], "a saved trace holds no model"),
        (["cats", "--ablate", "layer.0"], "--ablate changes it"),
        (["cats", "--weights", "none"], "without weights"),
    ],
)
def test_what_cannot_be_ablated_is_refused(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    code, out, err = command("report", *given, "--ablate-map")
    assert (code, out) == (2, "") and said in err and not list(tmp_path.iterdir())
