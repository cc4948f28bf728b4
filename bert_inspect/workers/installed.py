"""Whether Ray is there, asked before anything slow starts."""

from importlib.util import find_spec

from ..errors import UsageError


def check_ray() -> None:
    """Refuse to go on without Ray Data.

    Raises:
        UsageError: it is not installed, or not with what it needs.
    """
    if any(find_spec(package) is None for package in ("ray", "pyarrow")):
        raise UsageError(
            "the engine ray needs the package ray[data], which is not installed", 'pip install "bert-inspect[ray]"'
        )
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:  # pyarrow 26 wants NumPy 2
        raise UsageError(
            f"the engine ray cannot be used here: {error}", 'pip install --upgrade "bert-inspect[ray]" numpy'
        ) from error
