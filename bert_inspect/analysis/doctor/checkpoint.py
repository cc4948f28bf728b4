"""Questions that the weights and the configuration answer by themselves."""

from typing import Any

import torch

from ...families.heads import NO_HEAD
from ...loading.notices import counted, some
from ...loading.weights.names import MERGE, adapter_tensors
from ...traces.vocabulary import labels, roles
from .check_context import CheckContext
from .diagnosis import Finding, does_not_arise
from .quantities import NEXT_TO_ZERO


def weights(context: CheckContext) -> Finding:
    """Did every weight come from the checkpoint, did every tensor of it find its place, and are they numbers?"""
    loaded = context.loaded
    drawn = loaded.initialised_body
    if loaded.weights == "random":
        return Finding(
            question="weights",
            verdict="fail",
            evidence="all weights are randomly initialized: there is no checkpoint",
            fix="name one with `model=FOLDER`, or fetch one with `download=True`",
        )
    if drawn:
        return Finding(
            question="weights",
            verdict="fail",
            evidence=f"{counted(len(drawn), 'tensor')} of the body are missing and were randomly initialized: "
            f"{some(drawn)}",
            fix="save the whole model again with save_pretrained",
            path=drawn[0].rpartition(".")[0],
        )
    bad = {
        name: count
        for name, tensor in context.model.named_parameters()
        if (count := int((~torch.isfinite(tensor)).sum()))
    }
    if bad:
        first = next(iter(bad))
        return Finding(
            question="weights",
            verdict="fail",
            evidence=f"{sum(bad.values()):,} weights are NaN or infinite, the first in {first}",
            fix="the training diverged: go back to an earlier checkpoint",
            path=first.rpartition(".")[0],
        )
    if loaded.unused:
        beyond = [name for name in loaded.unused if (loaded.family.layer_in_path(name) or 0) >= loaded.layers]
        fix = "see whether it was saved from another class of model"
        if beyond:
            fix = f"set num_hidden_layers in config.json, which is {loaded.layers}, to the layers that the weights have"
        elif adapter_tensors(loaded.unused):
            fix = MERGE
        return Finding(
            question="weights",
            verdict="warn",
            evidence=f"{counted(len(loaded.unused), 'tensor')} of the checkpoint have no place in this model: "
            f"{some(beyond or loaded.unused)}",
            fix=fix,
        )
    return Finding(question="weights", verdict="pass", evidence="every weight comes from the checkpoint, all finite")


def head(context: CheckContext) -> Finding:
    """Is the head trained, or as it was drawn?"""
    if context.loaded.head is NO_HEAD:
        return does_not_arise("head", "this model has none")
    what = "classifier" if context.loaded.head.takes_labels else "head"
    in_head = [name for name in context.loaded.initialised if not context.loaded.family.in_body(name)]
    if in_head or context.loaded.weights == "random":
        unused = context.loaded.unused
        evidence, fix = f"the {what} is randomly initialized", "fine-tune it, or name a fine-tuned checkpoint"
        if unused:
            evidence += f", and {counted(len(unused), 'tensor')} of the checkpoint have no place: {some(unused)}"
            own = ", ".join(sorted(in_head, reverse=True)[:2]) or "the names that the model has"
            fix = f"if the {what} is among them, rename it to {own}; else fine-tune it"
        return _of_no_use(context, f"{evidence}: predictions are meaningless", fix)
    if told := next((notice for notice in context.notices if _OTHER_HEAD in notice), None):
        return Finding(
            question="head",
            verdict="fail",
            evidence=told,
            fix=f"fine-tune it for {context.loaded.head.name}",
            path=_path(context),
        )
    path = _path(context)
    if path is None:
        return does_not_arise("head", "none of its modules is a classifier")
    classifier = context.model.get_submodule(path)
    spread = float(classifier.weight.detach().float().std())
    drawn = getattr(context.model.config, "initializer_range", 0.02)
    untouched = classifier.bias is not None and not bool(classifier.bias.any())
    if untouched and abs(spread - drawn) < 0.15 * drawn:
        return _of_no_use(
            context,
            f"its bias is zero, its weights spread by {spread:.3f}, as right after initialization ({drawn:g})",
            "this checkpoint was saved before its head was trained: fine-tune it",
        )
    if len(classifier.weight) <= _MOST_CLASSES and (told := _cannot_tell(context, classifier)) is not None:
        return _of_no_use(context, told, "the training of the head went wrong: train it again")
    return Finding(
        question="head", verdict="pass", evidence=f"from the checkpoint; its weights spread by {spread:#.2g}"
    )


def _of_no_use(context: CheckContext, evidence: str, fix: str) -> Finding:
    return Finding(
        question="head",
        verdict="fail",
        evidence=evidence,
        fix=fix,
        path=_path(context),
        label=labels.LOGITS,
    )


def _path(context: CheckContext) -> str | None:
    """Return the path of the module that makes the head's logits, None where it has no such module."""
    found = (context.loaded.path(role) for role in roles.MAKES_LOGITS)
    return next((path for path in found if path is not None), None)


def _cannot_tell(context: CheckContext, classifier: Any) -> str | None:
    """Return why a classifier cannot choose between its classes, whatever it receives; None where it can."""
    weight = classifier.weight.detach().double().cpu()
    bias = torch.zeros(len(weight)) if classifier.bias is None else classifier.bias.detach().double().cpu()
    if float(weight.abs().max()) < NEXT_TO_ZERO:
        return "all its weights are zero: its bias alone answers, whatever the sentence"
    names = context.model.config.id2label or {}
    one_wins = context.model.config.problem_type != "multi_label_classification"
    pooled_by_tanh = one_wins and type(context.loaded.module(roles.POOLER_ACTIVATION)) is torch.nn.Tanh
    for one in range(len(weight)):
        apart = (weight[one] - weight).abs().sum(dim=1)  # what the weights can add, of a pooler within -1 and 1
        equal = [other for other in range(one + 1, len(weight)) if float(apart[other]) == 0]
        if equal:
            pair = f"{names.get(one, one)} and {names.get(equal[0], equal[0])}"
            return f"its rows for {pair} are equal: nothing in a sentence decides between them"
        behind = bias - bias[one]
        if pooled_by_tanh and bool((behind > apart).any()):
            other = int((behind - apart).argmax())
            return (
                f"it never answers {names.get(one, one)}: the bias of {names.get(other, other)} is larger by "
                f"{float(behind[other]):.4g}, and the weights make up for {float(apart[other]):.4g} at most"
            )
    return None


_MOST_CLASSES = 1000
_OTHER_HEAD = "its head was not trained for"
"""What the loader's notice says of a head of the same parameters that was trained for another task."""


def class_names(context: CheckContext) -> Finding:
    """Do the names of the classes fit the classifier?"""
    classifier = context.loaded.module(roles.CLASSIFIER)
    if not context.loaded.head.takes_labels or classifier is None:
        task = context.loaded.head.task
        return does_not_arise("labels", f"a model for {task} has no classes with names")
    config, classes = context.model.config, classifier.out_features
    names = [str(name) for name in (config.id2label or {}).values()]
    if len(names) == classes and sorted(config.id2label) != list(range(classes)):
        return Finding(
            question="labels",
            verdict="fail",
            evidence=f"id2label names the classes from {min(config.id2label)} to {max(config.id2label)}, the "
            f"classifier has those from 0 to {classes - 1}",
            fix="number them from 0 in id2label of config.json",
        )
    if len(names) != classes:
        return Finding(
            question="labels",
            verdict="fail",
            evidence=f"the classifier has {classes} classes, id2label names {len(names)}",
            fix="set id2label and label2id in config.json",
        )
    for key in ("num_labels", "label2id"):
        if told := next((notice for notice in context.notices if key in notice), None):
            return Finding(question="labels", verdict="fail", evidence=told, fix=f"make {key} and id2label agree")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        return Finding(
            question="labels",
            verdict="warn",
            evidence=f"two classes are called {twice!r}",
            fix="give every class a name of its own in id2label",
        )
    if names == [f"LABEL_{index}" for index in range(classes)]:
        return Finding(
            question="labels",
            verdict="warn",
            evidence=f"the {classes} classes have no names (LABEL_0 ...)",
            fix="name them in config.json: id2label",
        )
    return Finding(question="labels", verdict="pass", evidence=f"{classes} classes, each with a name: {some(names)}")
