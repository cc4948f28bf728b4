"""A Ray cluster: one that runs, or one on this machine that lives as long as it is needed.

Ray reports usage to nobody, opens no dashboard, and lets in only who knows the cluster's token.
"""

import logging
import os
import secrets
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..errors import UsageError

_SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",  # it would call home
    "RAY_BACKEND_LOG_LEVEL": "fatal",  # what fails is raised too
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # its new default, of which it warns at each start
}


_PATIENCE = 10.0
"""Seconds in which a cluster has to answer."""


@contextmanager
def connected(address: str | None, *, verbose: bool) -> Iterator[Any]:
    """Yield Ray, connected to the cluster at an address; without one, a cluster is started here. Ray's own messages go
    to stderr where ``verbose``, and how far it is to a terminal there; else nowhere.

    Raises:
        UsageError: there is no such cluster.
    """
    if address is not None:
        _check_reachable(address)
    for name, value in _SETTINGS.items():
        os.environ.setdefault(name, value)
    import ray
    import ray.data

    level = logging.INFO if verbose else logging.CRITICAL
    logging.getLogger("ray.data").setLevel(level)
    with _progress_bars(ray, wanted=verbose and sys.stderr.isatty()):
        if ray.is_initialized():  # by a program of which this is a part
            yield ray
            return
        with _started(address) as where:
            try:
                with _without_stderr(wanted=not verbose):
                    ray.init(**where, log_to_driver=verbose, logging_level=level)
            except (ConnectionError, ValueError, RuntimeError, TimeoutError) as error:
                raise _no_cluster(address or "this machine", error) from error
            try:
                yield ray
            finally:
                ray.shutdown()


@contextmanager
def _progress_bars(ray: Any, *, wanted: bool) -> Iterator[None]:
    context = ray.data.DataContext.get_current()
    before = context.enable_progress_bars
    context.enable_progress_bars = wanted
    try:
        yield
    finally:
        context.enable_progress_bars = before


@contextmanager
def _started(address: str | None) -> Iterator[dict[str, Any]]:
    """Yield what connects to a cluster, or starts one; the folder that this takes for its sockets and logs is removed
    when it has ended.
    """
    if address is not None:
        yield {"address": address}
        return
    # It listens to the network, but to nobody without this token; Ray would write one of its own into the home folder.
    os.environ.setdefault("RAY_AUTH_TOKEN", secrets.token_hex(32))
    short = "/tmp" if Path("/tmp").is_dir() else None  # the name of a socket has about a hundred characters
    with TemporaryDirectory(prefix="ray-", dir=short, ignore_cleanup_errors=True) as folder:
        yield {"address": "local", "include_dashboard": False, "_node_ip_address": "127.0.0.1", "_temp_dir": folder}


def _check_reachable(address: str) -> None:
    """Refuse an address at which nobody listens: Ray would wait there for longer than ten minutes.

    Raises:
        UsageError: it names no place, or nobody answers there.
    """
    host, _, port = address.removeprefix("ray://").rpartition(":")
    if address == "auto":
        return
    if not host or not port.isdecimal():
        raise UsageError(f"{address} is not the address of a Ray cluster", "write it as HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE).close()
    except (OSError, OverflowError) as error:
        raise _no_cluster(address, error) from error


def _no_cluster(address: str, error: BaseException) -> UsageError:
    """Return the error that says why there is no cluster."""
    why = (str(error).strip().splitlines() or [type(error).__name__])[0]
    causes, cause = "", error.__cause__
    while cause is not None:
        causes, cause = causes + str(cause), cause.__cause__
    if "InvalidAuthToken" in causes:
        return UsageError(
            f"the Ray cluster at {address} wants its token", "set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to the token"
        )
    return UsageError(f"there is no Ray cluster at {address}: {why}", "leave `address` out to start one here")


@contextmanager
def _without_stderr(*, wanted: bool) -> Iterator[None]:
    """Let what Ray's own libraries write to stderr while they start go nowhere: they tell their log level there."""
    if not wanted:
        yield
        return
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
