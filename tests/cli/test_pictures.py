"""`attention -o`: the numbers in the picture are the model's, and the file needs nothing but itself."""

import re
import struct
import zlib
from base64 import b64decode
from collections.abc import Callable
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from helpers import TEXTS, tiny_model

from bert_inspect.analysis.attention import attentions
from bert_inspect.api import trace
from bert_inspect.render.heads.svg import attention_svg

Command = Callable[..., tuple[int, str, str]]
SVG = "{http://www.w3.org/2000/svg}"


def attention_of(model: Any, tokenizer: Any) -> list[Any]:
    with torch.inference_mode():
        return list(model(**tokenizer(TEXTS, padding=True, return_tensors="pt"), output_attentions=True).attentions)


def pixels(data: bytes) -> np.ndarray:
    """Read a PNG of a palette back: the place in the palette of each pixel."""
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    width, height = struct.unpack(">II", chunks[b"IHDR"][:8])
    assert chunks[b"tRNS"] == bytes(range(256))
    rows = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, width + 1)
    assert not rows[:, 0].any()
    return rows[:, 1:]


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_picture_holds_the_model_s_numbers(
    command: Command, checkpoint: Path, model: Any, tokenizer: Any, tmp_path: Path, attention: str
) -> None:
    file = tmp_path / "a.svg"
    arguments = ["--layer", "1", "--head", "2", "--attention", attention, "--model", checkpoint, "-o", file]
    code, out, _ = command("attention", *TEXTS, *arguments)
    assert code == 0 and "layer 1, head 2" in out
    text = file.read_text()
    root = ElementTree.fromstring(text)
    expected = attention_of(model, tokenizer)
    tokens = [tokenizer.convert_ids_to_tokens(ids) for ids in tokenizer(TEXTS, padding=True)["input_ids"]]
    told = [title.text or "" for title in root.iter(f"{SVG}title")]
    cells = [cell for cell in told if cell.startswith("query ")]
    wanted = [
        f"query '{tokens[row][q]}' to key '{tokens[row][k]}': {share:.1%}"
        for row in range(2)
        for q, shares in enumerate(expected[1][row, 2].tolist())
        if tokens[row][q] != "[PAD]"
        for k, share in enumerate(shares)
        if share >= 0.0005
    ]
    assert cells == wanted
    heads = [head for head in told if head.startswith("layer ")]
    assert len(heads) == 2 * 2 * 4
    shown = [pixels(b64decode(data)) for data in re.findall(r'href="data:image/png;base64,([^"]+)"', text)]
    real_tokens = [len(names) - names.count("[PAD]") for names in tokens]
    tiles = [
        tensor[row, head, : real_tokens[row], : real_tokens[row]]
        for row in range(2)
        for tensor in expected
        for head in range(4)
    ]
    for tile, tensor in zip(shown, tiles, strict=True):
        assert np.abs(tile - 255 * tensor.numpy() ** 0.5).max() < 0.51
    real = expected[0][0, 0, : len(tokens[0]) - tokens[0].count("[PAD]")].double()
    entropy = torch.distributions.Categorical(probs=real).entropy().mean() / np.log(2)
    assert heads[0].startswith(f"layer 0, head 0: entropy {entropy:.2f} bits, {real[:, 0].mean():.0%} on [CLS]")
    desc = root.find(f"{SVG}desc")
    assert desc is not None and heads[0].removeprefix("layer 0") in (desc.text or "")
    assert ("Rebuilt from the recorded queries" in " ".join(root.itertext())) == (attention == "sdpa")
    assert "not why the model answers" in text and "3 padding tokens hidden" in text
    assert "prefers-color-scheme:dark" in text
    assert not re.search(r"(?:href|src)=\"(?!data:)|url\(|@import", text)


def test_a_picture_of_many_sentences_says_what_it_leaves_out(
    command: Command, checkpoint: Path, tmp_path: Path
) -> None:
    file = tmp_path / "a.svg"
    code, _, _ = command("attention", *["So <do> I & \x1b[31m she."] * 6, "--mean", "--model", checkpoint, "-o", file)
    words = list(ElementTree.parse(file).getroot().itertext())
    assert code == 0 and "... 2 more sentences: not in this picture" in words
    assert (
        "1  So <do> I & \\x1b[31m she." in words
        and "layer 1, mean of 4 heads: rows are query tokens, columns key tokens" in words
    )


def test_a_long_sentence_is_one_image_and_its_small_pictures_keep_the_strongest_cells(tokenizer: Any) -> None:
    traced = trace(tiny_model(max_position_embeddings=128), tokenizer, "cats and " * 45, values=True)
    layers = attentions(traced)
    text = attention_svg(traced, layers, layer=0, head=3)
    images = [pixels(b64decode(data)) for data in re.findall(r"base64,([^\"]+)", text)]
    assert images[0].shape == (92, 92) and images[1].shape == (46, 46)
    matrix = layers[0].probabilities[0]
    assert np.abs(images[0] - 255 * matrix[3] ** 0.5).max() < 0.51
    blocks = matrix[0].reshape(46, 2, 46, 2).max(axis=(1, 3))
    assert np.abs(images[1] - 255 * blocks**0.5).max() < 0.51


def test_rows_that_see_nothing_are_flagged_in_the_picture(tokenizer: Any) -> None:
    class Blind:
        def __getattr__(self, name: str) -> Any:
            return getattr(tokenizer, name)

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            encoded = tokenizer(*args, **kwargs)
            encoded["attention_mask"][0] = [0] * len(encoded["attention_mask"][0])
            return encoded

    traced = trace(tiny_model(attention="sdpa"), Blind(), TEXTS, values=True)
    root = ElementTree.fromstring(attention_svg(traced, attentions(traced), layer=1, head=None))
    words = list(root.itertext())
    assert words.count("nothing is visible to it") == len(traced.input.tokens[0])
    assert any("what stands there says nothing" in word for word in words) and "sees nothing" in words


def test_a_png_is_drawn(command: Command, checkpoint: Path, tmp_path: Path) -> None:
    file = tmp_path / "a.png"
    assert command("attention", TEXTS[0], "--model", checkpoint, "-o", file)[0] == 0
    data = file.read_bytes()
    width, height = struct.unpack(">II", data[16:24])
    assert data.startswith(b"\x89PNG") and width > 1000 and height > 1000


def test_what_cannot_be_drawn_is_refused_before_anything_runs(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, said in (
        ("a.pdf", "unsupported image format: "),
        ("a", "unsupported image format: "),
        ("no/a.svg", "no folder"),
    ):
        code, out, err = command("attention", "x", "-o", tmp_path / name)
        assert (code, out) == (2, "") and said in err and not list(tmp_path.iterdir())
    monkeypatch.setattr("bert_inspect.render.raster.find_spec", lambda name: None)
    code, _, err = command("attention", "x", "-o", tmp_path / "a.png")
    assert code == 2 and "resvg-py" in err and "bert-inspect[png]" in err
