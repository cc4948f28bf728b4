"""Hold the built-in model against its bars, with transformers alone: results.json, and the tables of the card."""

import sys
from importlib import import_module
from typing import Any

import torch
from data import CLEAR, SOURCES, Text, load
from model import LABELS, THREADS, logits
from results import FOLDER, write
from scores import Guess, accuracy, bins, calibration_error, interval
from sentences import everyday, greetings, pairs
from sources import lexicon
from transformers import BertForSequenceClassification, BertTokenizer

BANDS = ((0.5, 1.0), (1.0, 2.0), (2.0, 4.0))


def vader(texts: list[Text]) -> dict[str, Any]:
    """Return how the compound score of the VADER lexicon does on clearly rated texts.

    A score of exactly 0 takes no side. That counts as wrong; ``accuracy, undecided as half`` is kinder.
    """
    sys.path.insert(0, str(lexicon()))
    judge = import_module("vaderSentiment.vaderSentiment").SentimentIntensityAnalyzer()
    scores = [judge.polarity_scores(text.text)["compound"] for text in texts]
    right = sum(score * text.rating > 0 for score, text in zip(scores, texts, strict=True))
    undecided = sum(score == 0 for score in scores)
    return {
        "accuracy": right / len(texts),
        "accuracy, undecided as half": (right + undecided / 2) / len(texts),
        "undecided": undecided,
    }


def source(texts: list[Text], guesses: list[Guess]) -> dict[str, Any]:
    """Return the figures of one source's clearly rated held-out texts, or of all of them."""
    share = accuracy(guesses)
    return {
        "texts": len(texts),
        "positive": sum(guess.truth for guess in guesses),
        "accuracy": share,
        "interval": interval(share, len(texts)),
        "calibration error": calibration_error(guesses),
        "vader": vader(texts),
    }


def held_out(texts: list[Text], positive: list[float]) -> dict[str, Any]:
    """Return what is measured on the held-out texts; the wrong ones by their numbers in the files of ratings."""
    clear = [(text, Guess(one, text.rating > 0)) for text, one in zip(texts, positive, strict=True) if text.clear]
    vague = [one for text, one in zip(texts, positive, strict=True) if not text.clear]
    figures: dict[str, Any] = {}
    for name in SOURCES:
        own = [pair for pair in clear if pair[0].source == name]
        figures[name] = source([text for text, _ in own], [guess for _, guess in own])
    figures["all"] = source([text for text, _ in clear], [guess for _, guess in clear])
    bands = []
    for low, high in BANDS:
        own = [guess for text, guess in clear if low <= abs(text.rating) and (abs(text.rating) < high or high == 4.0)]
        bands.append({"low": low, "high": high, "texts": len(own), "accuracy": accuracy(own)})
    missed = [
        {"source": text.source, "number": text.number, "rating": round(text.rating, 2), "positive": round(one, 4)}
        for text, (one, truth) in clear
        if (one > 0.5) != truth
    ]
    return {
        "sources": figures,
        "by rating": bands,
        "bins": [one._asdict() for one in bins([guess for _, guess in clear])],
        "near zero": {"texts": len(vague), "sure": sum(max(one, 1 - one) >= 0.9 for one in vague)},
        "wrong": sorted(missed, key=lambda one: -abs(one["positive"] - 0.5)),
    }


def evaluate() -> dict[str, Any]:
    """Return all figures of the folder's model, run in float32."""
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    model = BertForSequenceClassification.from_pretrained(FOLDER, dtype=torch.float32)
    tokens = BertTokenizer.from_pretrained(FOLDER)
    assert model.config.id2label == dict(enumerate(LABELS))

    def positive(texts: list[str]) -> list[float]:
        return logits(model, tokens, texts).double().softmax(dim=1)[:, 1].tolist()

    texts = load()
    kept = [text for text in texts if text.part == "held out"]
    return {
        "clear": CLEAR,
        "held out": held_out(kept, positive([text.text for text in kept])),
        "everyday": everyday(positive),
        "pairs": pairs(positive),
        "greetings": greetings(positive),
    }


if __name__ == "__main__":
    write(**evaluate())
