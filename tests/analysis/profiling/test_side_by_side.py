"""Batches that run at once, held against the same ones run one after the other."""

import gc
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import pytest
import torch
from analysis.profiling.corpus_of import TEXTS, corpus, profiler, sentences
from analysis.profiling.test_profiler import small
from torch import nn
from torch.nn.modules.module import register_module_forward_hook
from torch.utils.hooks import RemovableHandle

from bert_inspect.analysis.profiling.batch import BatchWatcher
from bert_inspect.analysis.profiling.side_by_side import on_each
from bert_inspect.errors import BertInspectError
from bert_inspect.profiles.profile_file import profile_json

LINES = [f"{text} {extra}" for extra in ("", "cats", "and dogs", "a b c") for text in TEXTS]


@pytest.fixture
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    """So many threads of torch's."""
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


class Noting(BatchWatcher):
    """Notes which threads looked at tensors."""

    seen: set[str]

    def ended(self, *told: Any) -> None:
        self.seen.add(threading.current_thread().name)
        super().ended(*told)


def ran(loaded: Any, tokenizer: Any, lines: list[str] = LINES, **how: Any) -> tuple[str, set[str]]:
    """A profile of sentences in batches of three, and the threads in which they ran."""
    noting = type("NotingHere", (Noting,), {"seen": set()})
    made = profiler(loaded, tokenizer, batch_size=3, watcher=noting, **how)
    total = made.begin(corpus(batch_size=3))
    made.add_each(total, [(0, sentences(lines))])
    return profile_json(total.record()).decode(), noting.seen


@pytest.mark.parametrize("threads", [2, 4], indirect=True)
@pytest.mark.parametrize("name", ["bert", "modernbert", "deberta-v2"])
def test_batches_that_run_at_once_give_the_bytes_of_those_that_run_in_turn(name: str, threads: int) -> None:
    loaded, tokenizer = small(name)
    frozen = gc.get_freeze_count() > 0  # by a command that ran before in this process
    found, seen = ran(loaded, tokenizer, examples=5)
    assert len(seen) > 1
    assert threading.current_thread().name not in seen
    torch.set_num_threads(1)
    in_turn, one = ran(loaded, tokenizer, examples=5)
    assert one == {threading.current_thread().name}
    assert found == in_turn
    assert gc.isenabled() and bool(gc.get_freeze_count()) == frozen


def opened(work: Any) -> Any:
    """Do some work with a model that is opened for it."""

    @contextmanager
    def working(model: Any) -> Iterator[Any]:
        yield lambda item: work(model, item)

    return working


@pytest.mark.parametrize("threads", [2, 3, 8, 20], indirect=True)
def test_torchs_threads_are_shared_out_and_given_back(threads: int) -> None:
    loaded, _ = small("bert")
    had: list[int] = []
    on_each(loaded, opened(lambda model, item: torch.get_num_threads()), range(20), had.append)
    assert set(had) == {threads // min(threads, 8)}
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [4], indirect=True)
def test_of_two_that_overlap_the_last_gives_torchs_threads_back(threads: int) -> None:
    loaded, _ = small("bert")
    begun, ended = threading.Event(), threading.Event()

    def waits_for_the_end(model: Any, item: int) -> int:
        begun.set()
        assert ended.wait(timeout=60)
        return item

    with ThreadPoolExecutor(1) as other:

        def begins_another(model: Any, item: int) -> int:
            if item == 0:
                other.submit(on_each, loaded, opened(waits_for_the_end), range(2), lambda found: None)
                assert begun.wait(timeout=60)
            return item

        on_each(loaded, opened(begins_another), range(2), lambda found: None)
        ended.set()
    with ThreadPoolExecutor(1) as pool:
        assert torch.get_num_threads() == pool.submit(torch.get_num_threads).result() == threads


@pytest.mark.parametrize("threads", [3], indirect=True)
def test_what_keeps_threads_from_being_started_is_told(threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    start, starts = threading.Thread.start, itertools.count()

    def failing(thread: threading.Thread) -> None:
        if next(starts) == 1:
            raise RuntimeError("can't start new thread")
        start(thread)

    loaded, _ = small("bert")
    monkeypatch.setattr(threading.Thread, "start", failing)
    with pytest.raises(RuntimeError, match="can't start new thread"):
        on_each(loaded, opened(lambda model, item: item), range(30), lambda found: None)
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("threads", [4], indirect=True)
def test_copies_share_the_weights_and_stand_beside_the_model(threads: int) -> None:
    loaded, _ = small("bert")
    models: list[Any] = []
    on_each(loaded, opened(lambda model, item: model.model), range(40), models.append)
    assert len({*map(id, models)}) <= threads
    for model in models:
        both = zip(loaded.model.parameters(), model.parameters(), strict=True)
        assert all(one is other for one, other in both)
        both = zip(loaded.model.buffers(), model.buffers(), strict=True)
        assert all(one is other for one, other in both)
        assert not {*map(id, model.modules())} & {*map(id, loaded.model.modules())}


@pytest.mark.parametrize("threads", [4], indirect=True)
def test_what_is_found_is_taken_in_order_up_to_the_first_failure(threads: int) -> None:
    loaded, _ = small("bert")
    taken: list[int] = []

    def work(model: Any, item: int) -> int:
        if item in {5, 7}:
            raise BertInspectError(f"item {item} fails")
        return item

    with pytest.raises(BertInspectError, match="item 5 fails"):
        on_each(loaded, opened(work), range(30), taken.append)
    assert taken == [0, 1, 2, 3, 4]
    assert torch.get_num_threads() == threads
    assert not [each for each in threading.enumerate() if each.name.startswith("batch")]


@pytest.mark.parametrize("threads", [1, 2, 4], indirect=True)
@pytest.mark.parametrize("there", [0, 1, 3, 30])
def test_what_was_begun_is_taken_where_the_next_item_cannot_be_had(there: int, threads: int) -> None:
    def items() -> Iterator[int]:
        yield from range(there)
        raise BertInspectError("there is no more")

    loaded, _ = small("bert")
    taken: list[int] = []
    with pytest.raises(BertInspectError, match="there is no more"):
        on_each(loaded, opened(lambda model, item: item), items(), taken.append)
    assert taken == [*range(there)]


@pytest.mark.parametrize("threads", [1, 3], indirect=True)
def test_what_takes_may_fail(threads: int) -> None:
    def take(found: int) -> None:
        if found == 4:
            raise BertInspectError("it cannot be taken")

    loaded, _ = small("bert")
    with pytest.raises(BertInspectError, match="it cannot be taken"):
        on_each(loaded, opened(lambda model, item: item), range(30), take)
    assert torch.get_num_threads() == threads
    assert not [each for each in threading.enumerate() if each.name.startswith("batch")]


@pytest.mark.parametrize("threads", [1, 3], indirect=True)
def test_a_model_is_opened_and_closed_once_in_the_thread_that_runs_it(threads: int) -> None:
    loaded, _ = small("bert")
    told: list[tuple[str, int, str]] = []

    @contextmanager
    def working(model: Any) -> Iterator[Any]:
        name = threading.current_thread().name
        told.append(("opened", id(model), name))
        yield lambda item: (id(model), threading.current_thread().name)
        told.append(("closed", id(model), name))

    found: list[tuple[int, str]] = []
    on_each(loaded, working, range(30), found.append)
    assert len(found) == 30
    assert len(told) == 2 * threads == 2 * len({model for _, model, _ in told})
    assert {*found} <= {(model, name) for _, model, name in told}


@pytest.mark.parametrize("threads", [1, 3], indirect=True)
@pytest.mark.parametrize("when", ["opened", "closed"])
def test_a_model_that_cannot_be_opened_or_closed_is_told(when: str, threads: int) -> None:
    @contextmanager
    def working(model: Any) -> Iterator[Any]:
        if when == "opened":
            raise BertInspectError("it cannot be opened")
        yield lambda item: item
        raise BertInspectError("it cannot be closed")

    loaded, _ = small("bert")
    with pytest.raises(BertInspectError, match=f"cannot be {when}"):
        on_each(loaded, working, range(30), lambda found: None)
    assert torch.get_num_threads() == threads
    assert not [each for each in threading.enumerate() if each.name.startswith("batch")]


@pytest.mark.parametrize("threads", [2], indirect=True)
def test_nothing_of_a_block_is_added_where_a_batch_fails(threads: int) -> None:
    loaded, tokenizer = small("bert")
    runs = itertools.count()

    def watcher(*told: Any, **how: Any) -> BatchWatcher:
        if next(runs) == 5:
            raise BertInspectError("the sixth batch fails")
        return BatchWatcher(*told, **how)

    made = profiler(loaded, tokenizer, batch_size=3, watcher=watcher, examples=5)
    total = made.begin(corpus(batch_size=3))
    before = profile_json(total.record())
    with pytest.raises(BertInspectError, match="the sixth batch fails"):
        made.add_each(total, [(0, sentences(LINES))])
    assert profile_json(total.record()) == before
    made.add_each(total, [(0, sentences(LINES))])
    assert profile_json(total.record()).decode() == ran(loaded, tokenizer, examples=5)[0]


class Custom(nn.Linear):
    """Code of somebody's own."""


def hook(*_: Any) -> None:
    """Look at nothing."""


def hooked(model: Any) -> AbstractContextManager[Any]:
    handle: RemovableHandle = model.bert.encoder.layer[0].register_forward_hook(hook)
    return handle


def hooked_everywhere(model: Any) -> AbstractContextManager[Any]:
    return register_module_forward_hook(hook)


def replaced(model: Any) -> AbstractContextManager[Any]:
    model.bert.pooler.dense.__class__ = Custom
    return nullcontext()


def covered(model: Any) -> AbstractContextManager[Any]:
    model.bert.pooler.forward = model.bert.pooler.forward
    return nullcontext()


def locked(model: Any) -> AbstractContextManager[Any]:
    model.lock = threading.Lock()
    return nullcontext()


def calculated(model: Any) -> AbstractContextManager[Any]:
    model.bert.calculated = model.bert.pooler.dense.weight * 2
    return nullcontext()


def autocast(model: Any) -> AbstractContextManager[Any]:
    return torch.autocast("cpu", torch.bfloat16)


def device(model: Any) -> AbstractContextManager[Any]:
    return torch.device("cpu")


@pytest.mark.parametrize("threads", [2], indirect=True)
@pytest.mark.parametrize("how", [hooked, hooked_everywhere, replaced, covered, locked, calculated, autocast, device])
def test_what_another_thread_may_do_otherwise_runs_in_this_one(how: Any, threads: int) -> None:
    loaded, _ = small("bert")
    with how(loaded.model):
        names: list[str] = []
        on_each(loaded, opened(lambda model, item: threading.current_thread().name), range(4), names.append)
    assert set(names) == {threading.current_thread().name}
