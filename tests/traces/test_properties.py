"""What holds for any text, any trace and any selection, each held against an independent word on it."""

import io
import json
import re
import unicodedata
from typing import Any

import pytest
from helpers import located
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs
from rich.console import Console

from bert_inspect import Trace
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.errors import UsageError
from bert_inspect.families.bert import BERT
from bert_inspect.loading.tokenizer import load_tokenizer
from bert_inspect.render.header import header
from bert_inspect.render.tokens import tokens
from bert_inspect.traces.record import TensorOut
from bert_inspect.traces.selection import Selection, narrowed
from bert_inspect.traces.values import Values, strict

some = settings(max_examples=40, suppress_health_check=list(HealthCheck))

odd = st.sampled_from("\x00\x1b\x7f\x85\x9b\u00ad\u0301\u200b\u200d\u202e\u2028\u3000\ufeff\ufffd日é\U000e0001🐈##[]")
texts = st.text(st.characters(exclude_categories=["Cs"]) | odd, max_size=30) | st.text("ab Éı.#['\u0301", max_size=30)


@pytest.fixture(scope="module", params=["bert-base-cased", "bert-base-uncased"])
def builtin(request: pytest.FixtureRequest) -> Any:
    return load_tokenizer(located(request.param, weights="none"))


def plain(text: str, *, lower: bool) -> str:
    """A text as BERT's own code cleans it (google-research/bert, tokenization.py): controls out, accents off."""
    text = "".join(
        sign for sign in text if sign in "\t\n\r" or unicodedata.category(sign) not in ("Cc", "Cf", "Co", "Cn")
    )
    if lower:
        text = "".join(
            sign for sign in unicodedata.normalize("NFD", text) if unicodedata.category(sign) != "Mn"
        ).lower()
    return text.replace("\x00", "").replace("\ufffd", "")


@some
@given(st.lists(texts, min_size=1, max_size=3), texts)
def test_offsets_point_at_the_text_that_made_the_token(builtin: Any, sentences: list[str], pair: str) -> None:
    batch = encode(builtin, Sentences(texts=sentences, pairs=[pair] * len(sentences)), limit=None, truncate=False)
    assert batch.input_ids == builtin(sentences, [pair] * len(sentences), padding=True)["input_ids"]
    lower = builtin.do_lower_case
    for row, text in enumerate(sentences):
        ends = [0, 0]
        for token, (start, end), special, segment in zip(
            batch.tokens[row], batch.offsets[row], batch.special[row], batch.token_type_ids[row], strict=True
        ):
            if special:
                assert (start, end) == (0, 0)
                continue
            source = (text, pair)[segment]
            assert ends[segment] <= start < end <= len(source)
            ends[segment] = end
            if token not in builtin.all_special_tokens:
                assert plain(source[start:end], lower=lower) == token.removeprefix("##"), (source, token)


@pytest.mark.slow
@settings(some, max_examples=15)
@given(st.lists(texts, min_size=1, max_size=4))
def test_any_text_is_shown_without_a_control_character(builtin: Any, traced: Trace, sentences: list[str]) -> None:
    batch = encode(builtin, Sentences(texts=sentences), limit=20, truncate=True)
    model = structs.replace(traced.model, name=sentences[0], class_=sentences[-1], device=sentences[0])
    trace = structs.replace(traced, input=batch, model=model, output=None)
    for width in (20, 80):
        console = Console(file=io.StringIO(), width=width, markup=False, emoji=False, highlight=False)
        console.print(tokens(batch))
        console.print(header(trace))
        out = console.file.getvalue()  # type: ignore[attr-defined]
        assert all(sign == "\n" or sign in "\u200c\u200d" or unicodedata.category(sign)[0] != "C" for sign in out)
        assert not set(out) & {"\u2028", "\u2029"}


anything = st.text(max_size=8) | st.text(odd, max_size=4)
floats = st.floats(allow_nan=True, allow_infinity=True)


@st.composite
def tensors(draw: st.DrawFn) -> TensorOut:
    """A tensor of any shape, with the values of all its entries or none."""
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    count = 1
    for size in shape:
        count *= size
    flat = draw(st.lists(floats, min_size=count, max_size=count)) if 0 not in shape else None
    values = None if flat is None else Values(flat, shape)
    return TensorOut(name=draw(anything), shape=shape, dtype="float32", axes=None, values=values)


@st.composite
def traces(draw: st.DrawFn, like: Trace) -> Trace:
    """A trace with other texts, numbers and tensors than the one it is like."""
    steps = [
        structs.replace(step, path=draw(anything), label=draw(anything), type=draw(anything), outputs=[draw(tensors())])
        for step in like.steps[:3]
    ]
    batch = structs.replace(like.input, texts=draw(st.lists(anything, min_size=2, max_size=2)))
    config = draw(
        st.dictionaries(anything, st.none() | st.integers() | anything | st.lists(anything, max_size=2), max_size=3)
    )
    model = structs.replace(like.model, name=draw(anything), config=config)
    assert like.output is not None
    logits = [[strict(draw(floats)) for _ in range(2)] for _ in range(2)]
    output = structs.replace(like.output, logits=logits, loss=strict(draw(floats)))
    return structs.replace(like, steps=steps, input=batch, model=model, output=output)


def fail(name: str) -> None:
    pytest.fail(f"a bare {name} in JSON")


@pytest.mark.slow
@some
@given(st.data())
def test_a_trace_comes_back_from_json_the_same(traced: Trace, data: st.DataObject) -> None:
    trace = data.draw(traces(traced))
    text = b"".join(trace.json())
    again = Trace.from_json(text)
    assert again == trace == Trace.from_json(trace.line()) and b"".join(again.json()) == text
    assert json.loads(text, parse_constant=fail) == json.loads(trace.line(), parse_constant=fail)
    read = json.loads(text, parse_constant=fail)
    assert read["input"]["texts"] == trace.input.texts and read["model"]["config"] == trace.model.config
    assert [step["label"] for step in read["steps"]] == [step.label for step in trace.steps]
    assert len(trace.line().decode().splitlines()) == 1  # for every reader's idea of a line


@some
@given(st.text(max_size=20))
def test_a_lone_surrogate_goes_into_json_as_an_escape(traced: Trace, text: str) -> None:
    trace = structs.replace(traced, steps=[], model=structs.replace(traced.model, name=text + "\ud800"))
    name = Trace.from_json(b"".join(trace.json())).model.name
    assert name == (text + "\ud800").encode("utf-8", "backslashreplace").decode()


spans = st.tuples(st.integers(0, 30), st.integers(0, 30))


@some
@given(st.lists(st.integers(0, 30) | spans, min_size=1, max_size=4), st.sampled_from(["", " "]))
def test_layer_specs_name_what_a_loop_over_them_names(parts: list[int | tuple[int, int]], space: str) -> None:
    wanted: set[int] = set()
    backwards = False
    for part in parts:
        first, last = part if isinstance(part, tuple) else (part, part)
        backwards = backwards or first > last
        wanted |= {layer for layer in range(31) if first <= layer <= last}
    spec = f"{space},{space}".join("-".join(map(str, part)) if isinstance(part, tuple) else str(part) for part in parts)
    if backwards:
        with pytest.raises(UsageError):
            Selection.parse(layer=spec)
    else:
        assert Selection.parse(layer=spec).layers == wanted


@pytest.mark.slow
@some
@given(
    st.sets(st.integers(0, 1)),
    st.lists(
        st.sampled_from(["**.self", "bert.*", "**.layer.[1-3].**", "output", "BertIntermediate", "none"]), max_size=2
    ),
)
def test_a_narrowed_trace_holds_what_was_wanted_and_what_is_around_it(
    traced: Trace, layers: set[int], patterns: list[str]
) -> None:
    spec = ",".join(map(str, layers)) or None
    expressions = {
        "**.self": r"(.+\.)?self",
        "bert.*": r"bert\.[^.]+",
        "**.layer.[1-3].**": r"(.+\.)?layer\.[123](\..+)?",
        "output": r"(.+\.)?output",
        "BertIntermediate": r".+\.intermediate",
        "none": r"none",
    }

    def wanted(path: str) -> bool:
        found = re.search(r"layer\.(\d+)", path)
        in_layer = not layers or (found is not None and int(found[1]) in layers)
        segments = path.split(".")
        around = [".".join(segments[:end]) for end in range(1, len(segments) + 1)]
        return in_layer and (
            not patterns or any(re.fullmatch(expressions[pattern], each) for pattern in patterns for each in around)
        )

    expected = {step.path for step in traced.steps if wanted(step.path)}
    try:
        few = narrowed(traced, Selection.parse(layer=spec, module=patterns))
    except UsageError:
        assert not expected or any(
            not any(
                re.fullmatch(expressions[pattern], path) for path in [s.path for s in traced.steps] + traced.not_called
            )
            for pattern in patterns
        )
        return
    assert {step.path for step in few.steps if wanted(step.path)} == expected
    for step in few.steps:
        around = any(path.startswith(step.path) for path in expected)
        assert wanted(step.path) or (around and step.kind == "module")
        assert wanted(step.path) or all(output.values is None for output in step.outputs)
        assert BERT.layer_in_path(step.path) == step.layer
    assert Trace.from_json(b"".join(few.json())) == few
