"""How much each word counts for a model's answer, by this project and by what else there is."""

import importlib.util
from collections.abc import Callable, Sequence
from typing import Any

import torch
from removal import Masked, Sentence

from bert_inspect.analysis.explain.explain import explain
from bert_inspect.analysis.explain.explanation import TokenShare
from bert_inspect.analysis.explain.faithfulness import words_to_mask
from bert_inspect.analysis.explain.quantity import Wanted
from bert_inspect.capture.encode import Sentences, encode
from bert_inspect.loading.loaded import Loaded
from bert_inspect.traces.record import Input

STEPS = 50
"""Of integrated gradients."""
OURS = "frozen network"

Scores = Callable[[Sentence], list[float]]


def encoded(loaded: Loaded, texts: Sequence[str]) -> Input:
    return encode(loaded.tokenizer, Sentences(texts=texts), limit=loaded.most_tokens, truncate=True)


def prepared(loaded: Loaded, text: str) -> Sentence:
    """Run a text and note what the model says of it."""
    batch = encoded(loaded, [text])
    with torch.inference_mode():
        shares = loaded.model(input_ids=torch.tensor(batch.input_ids)).logits[0].double().softmax(dim=0)
    label = int(shares.argmax())
    words = words_to_mask(batch, 0)
    return Sentence(text, batch.input_ids[0], words, label, float(shares[label]))


def frozen_network(
    loaded: Loaded, *, against: bool = True, of: Callable[[TokenShare], object] = lambda token: token.share
) -> Scores:
    """Score words by what this project explains: a difference of logits, or the plain logit."""

    def scores(sentence: Sentence) -> list[float]:
        wanted = Wanted(target=str(sentence.label), against=str(1 - sentence.label) if against else None)
        answer = explain(loaded, encoded(loaded, [sentence.text]), wanted=wanted).answers[0]
        return sentence.per_word([float(str(of(token))) for token in answer.tokens])

    return scores


def difference(model: Any, label: int, **inputs: torch.Tensor) -> torch.Tensor:
    """Return the logit of a label less the other one's (rows)."""
    logits: torch.Tensor = model(**inputs).logits
    return logits[:, label] - logits[:, 1 - label]


def gradient_x_input(loaded: Loaded) -> Scores:
    """Score words by the gradient at their rows of the embedding table, times those rows."""

    def scores(sentence: Sentence) -> list[float]:
        rows = loaded.model.get_input_embeddings()(torch.tensor([sentence.ids])).detach().requires_grad_()
        (gradient,) = torch.autograd.grad(difference(loaded.model, sentence.label, inputs_embeds=rows).sum(), rows)
        return sentence.per_word((rows * gradient).sum(dim=-1)[0].tolist())

    return scores


def attention_rollout(loaded: Loaded) -> Scores:
    """Score words by what [CLS] attends to through all layers (Abnar and Zuidema, ACL 2020): the mean of the heads,
    half of it and half of the token itself, layer upon layer.
    """

    def scores(sentence: Sentence) -> list[float]:
        with torch.inference_mode():
            attentions = loaded.model(input_ids=torch.tensor([sentence.ids]), output_attentions=True).attentions
        reached = torch.eye(len(sentence.ids))
        for layer in attentions:
            reached = (layer[0].mean(dim=0) + torch.eye(len(sentence.ids))) / 2 @ reached
        return sentence.per_word(reached[0].tolist())

    return scores


def occlusion(loaded: Loaded) -> Scores:
    """Score words by the fall of the probability when each is masked alone."""

    def scores(sentence: Sentence) -> list[float]:
        masked = Masked(loaded.model, sentence, loaded.tokenizer.mask_token_id)
        masked.run([word] for word in range(len(sentence.words)))
        return [sentence.probability - masked([word]) for word in range(len(sentence.words))]

    return scores


def integrated_gradients(loaded: Loaded, baseline: int) -> Scores:
    """Score words by captum's integrated gradients over the embedding table, from a baseline in which every word's
    pieces are that token and special tokens are as they were.
    """
    from captum.attr import LayerIntegratedGradients

    def forward(ids: torch.Tensor, label: int) -> torch.Tensor:
        return difference(loaded.model, label, input_ids=ids)

    method = LayerIntegratedGradients(forward, loaded.model.get_input_embeddings())

    def scores(sentence: Sentence) -> list[float]:
        ids = torch.tensor([sentence.ids])
        start = ids.clone()
        start[0, [place for word in sentence.words for place in word]] = baseline
        found = method.attribute(ids, baselines=start, additional_forward_args=sentence.label, n_steps=STEPS)
        return sentence.per_word(found.sum(dim=-1)[0].tolist())

    return scores


def has_captum() -> bool:
    return importlib.util.find_spec("captum") is not None


def methods(loaded: Loaded, *, variants: bool = True) -> dict[str, Scores]:
    """Return the ways to score words, ours first, with variants of them or without; captum may be absent."""
    found = {OURS: frozen_network(loaded)}
    if variants:
        found[f"{OURS}, the plain logit"] = frozen_network(loaded, against=False)
        found[f"{OURS}, word rows alone"] = frozen_network(loaded, of=lambda token: token.word)
    found["gradient x input"] = gradient_x_input(loaded)
    found["attention rollout"] = attention_rollout(loaded)
    found["occlusion"] = occlusion(loaded)
    if has_captum():
        for name in ("mask", "pad") if variants else ("mask",):
            baseline = getattr(loaded.tokenizer, f"{name}_token_id")
            token = getattr(loaded.tokenizer, f"{name}_token")
            found[f"captum, integrated gradients from {token}"] = integrated_gradients(loaded, baseline)
    return found
