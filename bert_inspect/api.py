"""The Python API: trace, explain, ablate, patch, profile or walk through one's own model, or load one as the command
does.
"""

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .analysis.effects.patch_asked import Direction, PatchEach, PatchMetric
from .analysis.effects.record import Each
from .analysis.explain.explanation import By
from .capture.forward import run_forward
from .capture.keep import Keep
from .capture.undisturbed import attending
from .loading.spec import DEFAULT_MODEL, DEFAULT_SEED, Attention, Dtype, ModelSpec, Task, Weights
from .ready import encoded, ready, several
from .result import Effects, Explanation, Profile, Trace
from .traces.edits import parse_edits
from .traces.selection import Level, Selection
from .traces.values import VALUES_LIMIT

if TYPE_CHECKING:
    from .tour import Walk


def trace(
    model: Any,
    tokenizer: Any,
    texts: str | Sequence[str],
    *,
    pairs: str | Sequence[str] | None = None,
    choices: str | Sequence[str] | None = None,
    labels: Sequence[float | Sequence[float]] | None = None,
    layer: str | int | None = None,
    module: str | Sequence[str] = (),
    level: Level = "op",
    stats: bool = False,
    values: bool = False,
    time: bool = False,
    verify: bool = False,
    max_length: int | None = None,
    truncate: bool = False,
    attention: Attention | None = None,
    edits: Sequence[str] = (),
) -> Trace:
    """Run a BERT once over the sentences and return the trace of that forward.

    The model is run as it is, on its own device, in eval mode, without gradients and not compiled; afterwards it is
    exactly as it was found. Only this thread is recorded; while another one traces the model, this waits. Steps inside
    carry ``(batch, tokens, hidden)`` shapes and their kin, named by ``axes``.

    Args:
        model: a loaded model of a family that is known (``BertForSequenceClassification``, ``RobertaModel`` ...), or
            what `torch.compile`, `DataParallel` or PEFT made of one: the model inside is traced, its adapters as the
            modules that they are.
        tokenizer: its fast tokenizer.
        texts: one sentence, or several as one batch.
        pairs: the second sentence of each pair; the context of each question.
        choices: the texts that may follow the one sentence, for a model of multiple choice.
        labels: one class index per sentence, or a list of them where the model gives several; adds the loss.
        layer: encoder layers to keep, counted from 0: ``3``, ``"0,11"``, ``"2-4"``.
        module: the modules to keep, each with everything below it: a path, the end of one (``"attention.self"``), a
            glob (``"**.layer.[0-3]"``) or a class.
        level: ``"module"`` leaves the functional steps out.
        stats: keep statistics of what is selected.
        values: keep all numbers of what is selected.
        time: keep the seconds that each step took.
        verify: prove the trace, in its ``proof``: every step is run again and the model thrice.
        max_length: the most tokens a sentence may have, up to the model's positions; by default as the tokenizer says.
        truncate: cut longer sentences; otherwise they are an error.
        attention: run with this implementation; by default with the model's own. Only ``"eager"`` computes scores and
            probabilities that can be seen.
        edits: what is taken away or changed in the run, as ``--ablate`` takes it: ``"layer.3.head.7"``,
            ``"layer.3.attention=mean"``, ``"token:pizza"``. The trace is that of the edited run.

    Raises:
        UsageError: unusable sentences, filters or edits, or a model whose own forward asks for this trace.
        BertInspectError: nothing can be edited, as the model's own forward fails.
        TypeError: the model is of another kind.
    """
    model, loaded = ready(model, tokenizer)
    batch = encoded(
        loaded,
        texts,
        pairs=pairs,
        choices=choices,
        labels=labels,
        max_length=max_length,
        truncate=truncate,
    )
    made = parse_edits(several(edits))
    selection = Selection.parse(layer=None if layer is None else str(layer), module=several(module), level=level)
    keep = Keep(stats=stats, values="full" if values else None, seconds=time, limit=VALUES_LIMIT)
    with attending(model, attention or model.config._attn_implementation):
        traced = run_forward(loaded, batch, selection=selection, keep=keep, verify=verify, edits=made)
    return Trace.of(traced.trace)


def explain(
    model: Any,
    tokenizer: Any,
    texts: str | Sequence[str],
    *,
    pairs: str | Sequence[str] | None = None,
    choices: str | Sequence[str] | None = None,
    by: By = "token",
    target: str | int | None = None,
    against: str | int | None = None,
    token: str | int | None = None,
    neurons: int = 0,
    check: bool = False,
    max_length: int | None = None,
    truncate: bool = False,
    attention: Attention | None = None,
    edits: Sequence[str] = (),
) -> Explanation:
    """Explain a model's answer to each sentence: the logit as an exact sum, whose parts are in logits too.

    What is not linear in the model is held at its value in this run (`Explanation.frozen` says what): attention
    probabilities, the standard deviations of layer norms, the ratio of each activation's output to its input. The rest
    is affine in the embeddings, so that every partition of it sums to the logit. The model is left as it was.

    Args:
        model: as for `trace`.
        tokenizer: its fast tokenizer.
        texts: one sentence, or several as one batch.
        pairs: as for `trace`.
        choices: as for `trace`.
        by: ``"token"``: what each token and each bias contributes; ``"component"``: each head and feed-forward part by
            its direct path; ``"layer"``: what the head would answer from each hidden state.
        target: the class whose logit is explained, by name or index; by default the predicted one. For other heads the
            token at a mask, the choice, ``"start"`` or ``"end"`` of an answer.
        against: explain the difference to this class.
        token: the token whose own logit is explained, by its text or its place, where each token has one.
        neurons: by component, how many of each layer's intermediate neurons are told of.
        check: by token, hold the shares against what masking words does.
        max_length: as for `trace`.
        truncate: as for `trace`.
        attention: as for `trace`.
        edits: as for `trace`; what is explained is the edited run.

    Raises:
        UsageError: unusable sentences or edits, or a number that the model does not give.
        BertInspectError: the model computes something that cannot be held.
        TypeError: the model is of another kind.
    """
    from .analysis.explain.explain import explain as explain_batch
    from .analysis.explain.wanted import Wanted

    model, loaded = ready(model, tokenizer)
    batch = encoded(loaded, texts, pairs=pairs, choices=choices, max_length=max_length, truncate=truncate)
    named = {name: None if given is None else str(given) for name, given in (("target", target), ("token", token))}
    made = parse_edits(several(edits))
    wanted = Wanted(**named, against=None if against is None else str(against))
    with attending(model, attention or model.config._attn_implementation):
        found = explain_batch(loaded, batch, by=by, wanted=wanted, neurons=neurons, check=check, edits=made)
    return Explanation.of(found)


def walk(
    model: Any,
    tokenizer: Any,
    texts: str | Sequence[str],
    *,
    pairs: str | Sequence[str] | None = None,
    choices: str | Sequence[str] | None = None,
    labels: Sequence[float | Sequence[float]] | None = None,
    row: int = 0,
    layer: int | None = None,
    max_length: int | None = None,
    truncate: bool = False,
    attention: Attention | None = None,
) -> "Walk":
    """Walk through one pass: run a model and return the tour of one sentence, from its text to the answer.

    Each station has a question, its answer in words, the lines of source that ran, the tensors with the names of
    tokens, and the arithmetic of one number. The model is left as it was.

    Args:
        model: as for `trace`.
        tokenizer: its fast tokenizer.
        texts: one sentence, or several as one batch.
        pairs: as for `trace`.
        choices: as for `trace`.
        labels: as for `trace`; with them the tour ends at the loss.
        row: the sentence, from 0.
        layer: the encoder layer that is walked through, by default the first.
        max_length: as for `trace`.
        truncate: as for `trace`.
        attention: as for `trace`.

    Raises:
        UsageError: unusable sentences, there is no such sentence or layer, or the forward failed.
        TypeError: the model is of another kind.
    """
    from .analysis.cell import Runs
    from .stations.walk import walk as walked
    from .tour import Walk

    model, loaded = ready(model, tokenizer)
    batch = encoded(
        loaded, texts, pairs=pairs, choices=choices, labels=labels, max_length=max_length, truncate=truncate
    )
    with attending(model, attention or model.config._attn_implementation):
        return Walk.of(walked(Runs(loaded, batch), row=row, layer=layer))


def ablate(
    model: Any,
    tokenizer: Any,
    texts: str | Sequence[str],
    *,
    pairs: str | Sequence[str] | None = None,
    choices: str | Sequence[str] | None = None,
    each: Each = "head",
    how: str = "zero",
    layer: int | None = None,
    target: str | int | None = None,
    against: str | int | None = None,
    token: str | int | None = None,
    importance: bool = False,
    max_length: int | None = None,
    truncate: bool = False,
    attention: Attention | None = None,
) -> Effects:
    """Take each part of a model, or each token, away in turn, and say what that does to its answer to each sentence.

    What is watched is the logit of the answer minus the largest of the other logits. The sentence runs in many rows at
    once, each with an edit of its own. The model is left as it was.

    Args:
        model: as for `trace`.
        tokenizer: its fast tokenizer.
        texts: one sentence, or several.
        pairs: as for `trace`.
        choices: as for `trace`.
        each: ``"head"``, ``"layer"``, ``"attention"`` (all heads of a layer), ``"intermediate"`` (all neurons of a
            layer), ``"neuron"`` (of one layer), ``"token"`` or ``"word"``.
        how: ``"zero"``; ``"mean"`` over the real tokens of all sentences; ``"mean:FILE"`` over those of a corpus, by
            its profile; ``"resample:TEXT"``: what the same part gives for another sentence; or a number that scales.
            Tokens and words are replaced by the mask.
        layer: look at this layer alone.
        target: the class that is watched, by name or index; by default the predicted one. For other heads as for
            `explain`.
        against: hold it against this class.
        token: as for `explain`.
        importance: of heads, their importance by the gradient too, in `Effects.answers`.
        max_length: as for `trace`.
        truncate: as for `trace`.
        attention: as for `trace`.

    Raises:
        UsageError: unusable sentences, a number that the model does not give, or an edit that cannot be made.
        BertInspectError: the model's own forward fails.
        TypeError: the model is of another kind.
    """
    from .analysis.effects.ablate import ablate as ablate_each
    from .analysis.effects.asked import Asked
    from .analysis.explain.wanted import Wanted

    model, loaded = ready(model, tokenizer)
    batch = encoded(loaded, texts, pairs=pairs, choices=choices, max_length=max_length, truncate=truncate)
    named = {"target": target, "against": against, "token": token}
    wanted = Wanted(**{name: None if given is None else str(given) for name, given in named.items()})
    with attending(model, attention or model.config._attn_implementation):
        asked = Asked(each=each, how=how, layer=layer, wanted=wanted, importance=importance)
        found = ablate_each(loaded, batch, asked=asked)
    return Effects.of(found)


def patch(
    model: Any,
    tokenizer: Any,
    clean: str,
    corrupt: str,
    *,
    pair: str | None = None,
    each: PatchEach = "layer-token",
    direction: Direction = "denoising",
    metric: PatchMetric = "logit-diff",
    target: str | int | None = None,
    against: str | int | None = None,
    token: str | int | None = None,
    max_length: int | None = None,
    truncate: bool = False,
    attention: Attention | None = None,
) -> Effects:
    """Put activations of one sentence into the run of another, one after the other, and say how much of the answer
    each carries over.

    The tokens of the two sentences must have the same pattern: as many words, each of as many tokens. The model is left
    as it was.

    Args:
        model: as for `trace`.
        tokenizer: its fast tokenizer.
        clean: the sentence whose answer is asked about.
        corrupt: one that the model answers otherwise.
        pair: the second sentence of both, where the model takes two.
        each: what is put in: ``"layer-token"`` (the hidden state of each token, before the first layer and after each),
            ``"head"``, ``"attention"`` (all heads of a layer) or ``"intermediate"`` (all neurons of a layer).
        direction: ``"denoising"``: clean activations into the corrupt run, which shows what is sufficient;
            ``"noising"``: corrupt ones into the clean run, which shows what is necessary.
        metric: ``"logit-diff"`` or ``"probability"``.
        target: the class that is watched, by name or index; by default the answer to the clean sentence.
        against: the class it is held against; by default the answer to the corrupt sentence, or the largest of the
            others where that is the same.
        token: as for `explain`.
        max_length: as for `trace`.
        truncate: as for `trace`.
        attention: as for `trace`.

    Returns:
        The effects; `Effect.normalised` is 0 where nothing is carried over, 1 where all of it is.

    Raises:
        UsageError: the tokens cannot be paired, both sentences give the same number, or the model gives no such number.
        BertInspectError: the model's own forward fails.
        TypeError: the model is of another kind.
    """
    from .analysis.effects.patch import patch as patch_batch
    from .analysis.effects.patch_asked import PatchAsked
    from .analysis.explain.wanted import Wanted

    model, loaded = ready(model, tokenizer)
    pairs = None if pair is None else [pair, pair]
    batch = encoded(loaded, [clean, corrupt], pairs=pairs, choices=None, max_length=max_length, truncate=truncate)
    named = {"target": target, "against": against, "token": token}
    wanted = Wanted(**{name: None if given is None else str(given) for name, given in named.items()})
    with attending(model, attention or model.config._attn_implementation):
        asked = PatchAsked(each=each, direction=direction, metric=metric, wanted=wanted)
        found = patch_batch(loaded, batch, asked=asked)
    return Effects.of(found)


def profile(
    model: Any,
    tokenizer: Any,
    texts: str | Sequence[str] | None = None,
    *,
    files: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | None = None,
    pairs: str | Sequence[str] | None = None,
    labels: Sequence[str | int] | None = None,
    layer: int | str | None = None,
    module: str | Sequence[str] = (),
    level: Level = "op",
    batch_size: int = 16,
    batch_tokens: int | None = None,
    max_length: int | None = None,
    truncate: bool = False,
    examples: int = 0,
    attention: Attention | None = None,
) -> Profile:
    """Run a model over a whole corpus and return what its activations do, summed up while it runs.

    Args:
        model: as for `trace`.
        tokenizer: as for `trace`.
        texts: the sentences.
        files: files of them in their place, as ``bert-inspect profile --input`` takes them: text, a sentence a line, or
            JSON Lines with ``text``, ``pair`` and ``label``, packed (``.gz``, ``.zst``) or not; or folders of these.
        pairs: the second sentence of each of ``texts``.
        labels: the class of each of ``texts``, by name or index: the answers are held against them.
        layer: as for `trace`.
        module: as for `trace`.
        level: as for `trace`.
        batch_size: the most sentences of a batch.
        batch_tokens: the most tokens of a batch, padding included; None: as many as its sentences have.
        max_length: as for `trace`.
        truncate: as for `trace`.
        examples: how many tokens are kept, in context, of each unit of the feed-forward layers that drive it most.
        attention: as for `trace`.

    Raises:
        TypeError: the model or the tokenizer is of another kind.
        UsageError: there is no sentence, or one is too long, or a label is no class of the model.
        BertInspectError: the forward fails.
    """
    from .analysis.profiling.sentences import profile_corpus

    model, loaded = ready(model, tokenizer)
    given = [files] if isinstance(files, str | os.PathLike) else files
    with attending(model, attention or model.config._attn_implementation):
        found = profile_corpus(
            loaded,
            texts=None if texts is None else several(texts),
            files=None if given is None else [os.fspath(file) for file in given],
            pairs=None if pairs is None else several(pairs),
            labels=None if labels is None else list(labels),
            selection=Selection.parse(layer=None if layer is None else str(layer), module=several(module), level=level),
            batch_size=batch_size,
            batch_tokens=batch_tokens,
            max_length=max_length,
            truncate=truncate,
            examples=examples,
        )
    return Profile.of(found)


def load(
    name: str = DEFAULT_MODEL,
    *,
    task: Task = "auto",
    download: bool = False,
    weights: Weights = "auto",
    num_labels: int | None = None,
    seed: int = DEFAULT_SEED,
    attention: Attention = "eager",
    device: str = "cpu",
    dtype: Dtype | None = None,
    allow_missing: bool = False,
) -> tuple[Any, Any]:
    """Load a model and its tokenizer as ``bert-inspect run --model`` does: a folder, a built-in name or a name in the
    local Hugging Face cache; the network is used only with ``download=True``. `ModelSpec` says what each argument is.

    Raises:
        ModelError: it is not there, or cannot be loaded safely.
        UsageError: there is no such device, or no such choice of weights, attention or dtype.
    """
    from .loading.locate import locate
    from .loading.model import load as load_checkpoint
    from .loading.tokenizer import load_tokenizer

    spec = ModelSpec(
        name=name,
        task=task,
        download=download,
        weights=weights,
        num_labels=num_labels,
        seed=seed,
        attention=attention,
        device=device,
        dtype=dtype,
        allow_missing=allow_missing,
    )
    checkpoint = locate(spec)
    return load_checkpoint(checkpoint, spec).model, load_tokenizer(checkpoint)
