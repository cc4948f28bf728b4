"""Whether Ray is there, asked before anything slow starts."""

from importlib.util import find_spec

from ...errors import UsageError


def check_ray() -> None:
    """Refuse to go on without Ray Data.

    Raises:
        UsageError: it is not installed.
    """
    if any(find_spec(package) is None for package in ("ray", "pyarrow")):
        raise UsageError(
            "the engine ray needs the package ray[data], which is not installed", 'pip install "bert-inspect[ray]"'
        )
