"""Runs batches side by side, each by a copy of the model that shares its weights; the model itself is left alone.

A narrow model does not keep several of torch's threads busy, and while a batch is summed up they would wait. A batch a
thread keeps them all at work: torch's threads are shared out among those who run batches.
"""

import copy
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from itertools import chain, islice
from queue import Empty, SimpleQueue
from threading import Lock
from typing import Any, Final, TypeVar

import torch
from torch import nn
from torch.nn.modules import module as everyones

from ...capture.undisturbed import HOOKS, of_known_code
from ...loading.loaded import Loaded

MOST: Final = 8
"""So many batches run at once at most: the activations of all of them are in memory."""

_Item = TypeVar("_Item")
_Found = TypeVar("_Found")


Opened = Callable[[Loaded], AbstractContextManager[Callable[[_Item], _Found]]]
"""Gives, for a block, the work that is done with a model."""


def on_each(
    loaded: Loaded, opened: Opened[_Item, _Found], items: Iterable[_Item], take: Callable[[_Found], None]
) -> None:
    """Do some work on each of some items, and take what it finds, in the order of the items, in this thread, which asks
    for the items too. It is done with the model itself, or with copies, each of which is opened once, in the thread
    that works with it. The first item whose work fails, or that cannot be had, ends it with its exception; nothing is
    taken of those behind it.
    """
    threads = torch.get_num_threads()
    given = _Given(items)
    first = [*islice(given, MOST)]
    copies = _copies(loaded, min(threads, MOST, len(first)))
    if not copies:
        with opened(loaded) as work:
            for item in chain(first, given):
                take(work(item))
    else:
        with _sharing.among(threads // len(copies)):
            _side_by_side(opened, copies, chain(first, given), take)
    given.check()


def _copies(loaded: Loaded, count: int) -> Sequence[Loaded]:
    """Return so many copies of a model; none where one is enough, or a run in another thread, or of a copy, may be
    another.
    """
    if count < 2 or _bound_to_this_thread() or not _copyable(loaded.model):
        return ()
    try:
        return [_copied(loaded) for _ in range(count)]
    except Exception:  # somebody has put on it what cannot be copied: a lock, a tensor with a history
        return ()


class _Given(Iterator[_Item]):
    """Items up to the first that cannot be had; then why is known."""

    def __init__(self, items: Iterable[_Item]) -> None:
        self._items = iter(items)
        self._error: Exception | None = None

    def __next__(self) -> _Item:
        if self._error is not None:
            raise StopIteration
        try:
            return next(self._items)
        except StopIteration:
            raise
        except Exception as error:
            self._error = error
            raise StopIteration from error

    def check(self) -> None:
        """Raise why there is no further item, if it is not that there are no more."""
        if self._error is not None:
            raise self._error


def _side_by_side(
    opened: Opened[_Item, _Found],
    models: Sequence[Loaded],
    items: Iterable[_Item],
    take: Callable[[_Found], None],
) -> None:
    todo: SimpleQueue[tuple[Future[_Found], _Item] | None] = SimpleQueue()
    lanes = []

    def end() -> None:
        with suppress(Empty):
            while True:
                todo.get_nowait()
        for _ in models:
            todo.put(None)

    with ThreadPoolExecutor(len(models), thread_name_prefix="batch") as pool:
        try:
            try:
                for model in models:
                    lanes.append(pool.submit(_work, opened, model, todo))
                # Two more than can run are waiting, which do while this thread gets others ready; all of them would
                # keep what they found until it is taken.
                for found in _ahead((_added(todo, item) for item in items), len(models) + 2):
                    take(found.result())
            finally:
                end()
        except KeyboardInterrupt:  # it may have come before the end, and the lanes would wait for ever
            end()
            raise
    for lane in lanes:
        lane.result()


def _added(todo: SimpleQueue[tuple[Future[_Found], _Item] | None], item: _Item) -> Future[_Found]:
    """Add an item to what is to be done."""
    future: Future[_Found] = Future()
    todo.put((future, item))
    return future


def _work(
    opened: Opened[_Item, _Found],
    model: Loaded,
    todo: SimpleQueue[tuple[Future[_Found], _Item] | None],
) -> None:
    """Do what is to be done, with a model, up to the end of it."""
    items = iter(todo.get, None)
    try:
        with opened(model) as work:
            for future, item in items:
                try:
                    future.set_result(work(item))
                except BaseException as error:  # whoever takes the result is to know
                    future.set_exception(error)
    except Exception as error:  # it could not be opened
        for future, _ in items:
            future.set_exception(error)
        raise


def _copyable(model: nn.Module) -> bool:
    """Whether a model is on the processor, and of code that is known to keep nothing of a run. Other code, and hooks,
    may not bear to be run by two threads, or hold on to the model of which another would be a copy.
    """
    return (
        all(each.device.type == "cpu" for each in model.parameters())
        and of_known_code(model)
        and not any(getattr(module, kind) for module in model.modules() for kind in HOOKS)
    )


def _copied(loaded: Loaded) -> Loaded:
    """Return a model whose modules are its own, and its tensors those of the other."""
    tensors = [*loaded.model.parameters(), *loaded.model.buffers()]
    return replace(loaded, model=copy.deepcopy(loaded.model, {id(each): each for each in tensors}))


def _bound_to_this_thread() -> bool:
    """Whether something is switched on that holds in this thread alone, or somebody's hook is called by all modules."""
    stack: Any = torch._C
    return bool(
        torch.is_autocast_enabled("cpu")
        or stack._len_torch_function_stack()
        or stack._len_torch_dispatch_stack()
        or everyones._global_forward_hooks
        or everyones._global_forward_pre_hooks
    )


class _Sharing:
    """Lets each thread that is started in a block have so many of torch's threads. They are one number for the whole
    process: where blocks overlap, all go back to what it was before the first.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._blocks = self._before = 0

    @contextmanager
    def among(self, threads: int) -> Iterator[None]:
        with self._lock:
            if not self._blocks:
                self._before = torch.get_num_threads()
            self._blocks += 1
            torch.set_num_threads(threads)
        try:
            yield
        finally:
            with self._lock:
                self._blocks -= 1
                torch.set_num_threads(self._before)


_sharing = _Sharing()


def _ahead(futures: Iterable[Future[_Found]], most: int) -> Iterator[Future[_Found]]:
    """Yield futures in their order, the first only when so many have been made."""
    waiting: deque[Future[_Found]] = deque()
    for future in futures:
        waiting.append(future)
        if len(waiting) == most:
            yield waiting.popleft()
    yield from waiting
