"""How to load the model that a saved trace is of."""

from typing import TYPE_CHECKING, Any, get_args

from ..errors import UsageError
from ..loading.spec import Attention, ModelSpec, Task

if TYPE_CHECKING:
    from ..traces.record import Model


def spec_of(made: "Model", name: str | None, *, trace: str) -> ModelSpec:
    """Return how to load the model that a trace is of, under another name if it is given one; ``trace`` is how the
    trace is called.

    Raises:
        UsageError: it is not known where the model lies, or it has a dtype that cannot be asked for.
    """
    if name is None and made.source == "python":
        raise UsageError(
            f"{trace} was traced from Python: where its model lies is not known", "name it: --model FOLDER"
        )
    if name is None and (made.name.startswith((".", "~", "/", "\\")) or ".." in made.name or made.name.count("/") > 1):
        raise UsageError(f"{trace} names its model by a path, which is not followed", "name it: --model FOLDER")
    dtype: Any = made.dtype  # whatever the file says: the spec checks it
    task: Any = made.task if made.task in get_args(Task) else "auto"
    attention: Any = made.attention if made.attention in get_args(Attention) else "eager"
    return ModelSpec(
        name=name or made.name,
        task=task,
        attention=attention,
        # What was drawn at random in Python can be drawn again by nobody: such a model was saved, or is not there.
        weights="random" if made.weights == "random" and made.source != "python" else "auto",
        seed=made.seed,
        dtype=dtype,
        num_labels=len(made.config.get("id2label") or ()) or None,
        allow_missing=True,
    )
