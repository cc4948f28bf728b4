"""Mean effects over many sentences, held against the effects of each and against Student's t itself."""

import math
import statistics

import pytest
import torch
from analysis.effects.asking import ablate
from families.tiny import as_loaded, batch, tiny

from bert_inspect.analysis.effects.ablate import ablate_means
from bert_inspect.analysis.effects.asked import Asked
from bert_inspect.analysis.effects.means import mean_and_half, quantile
from bert_inspect.errors import UsageError
from bert_inspect.families import FAMILIES
from bert_inspect.families.heads import SEQUENCE_CLASSIFICATION
from bert_inspect.traces.sentences import only_row

BERT = FAMILIES["bert"]


@pytest.mark.parametrize("freedom", [1, 2, 7, 30, 31, 200])
def test_95_of_100_lie_within_the_quantile(freedom: int) -> None:
    scale = math.exp(math.lgamma((freedom + 1) / 2) - math.lgamma(freedom / 2)) / math.sqrt(freedom * math.pi)
    steps, most = 20_000, quantile(freedom)
    width = most / steps
    middles = ((at + 0.5) * width for at in range(steps))
    inside = 2 * scale * width * math.fsum((1 + x * x / freedom) ** (-(freedom + 1) / 2) for x in middles)
    assert inside == pytest.approx(0.95, abs=2e-5)


def test_the_interval_is_the_mean_and_what_t_allows() -> None:
    numbers = [0.5, -1.0, 2.0, 0.25]
    mean, half = mean_and_half(numbers)
    assert mean == pytest.approx(statistics.fmean(numbers))
    assert half == pytest.approx(quantile(3) * statistics.stdev(numbers) / 2)
    assert mean_and_half([1.0]) == (1.0, None) and math.isnan(mean_and_half([1.0, math.nan])[0])


@pytest.mark.slow
@pytest.mark.parametrize("how", ["zero", "mean"])
def test_means_are_those_of_the_sentences_whatever_the_batches(how: str) -> None:
    loaded, given = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), batch(BERT)
    single = ablate(loaded, given, how=how, importance=True)
    rows = [only_row(given, row) for row in (1, 0)]
    asked = Asked(how=how, importance=True)
    for batches in ([given], rows):
        found = ablate_means(loaded, batches, asked=asked)
        assert [mean.edits for mean in found.means] == [effect.edits for effect in single.answers[0].effects]
        for at, mean in enumerate(found.means):
            effects = [float(answer.effects[at].effect) for answer in single.answers]
            assert float(mean.effect) == pytest.approx(statistics.fmean(effects), abs=1e-6)
            assert mean.low is not None and float(mean.low) <= float(mean.effect)
            assert (mean.sentences, mean.flips) == (2, sum(answer.effects[at].flips for answer in single.answers))
        torch.testing.assert_close(torch.tensor(found.importance).norm(dim=-1), torch.ones(loaded.layers))
        assert sorted(found.input.texts) == ["first", "second"] and not found.answers


def test_words_have_no_mean() -> None:
    loaded, given = as_loaded(tiny(BERT, SEQUENCE_CLASSIFICATION)), batch(BERT)
    with pytest.raises(UsageError, match="words of its own"):
        ablate_means(loaded, [given], asked=Asked(each="word"))
