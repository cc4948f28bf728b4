"""Errors about a sentence of a batch, told of its line in the file that the batch was read from."""

import re

from ..errors import UsageError
from ..traces.record import Input


def of_line(error: UsageError, batch: Input) -> UsageError:
    """Return an error about a sentence of a batch as one about its line in the file that the batch was read from."""
    if not batch.lines:
        return error
    message = re.sub(r"^sentence (\d+)", lambda found: f"line {batch.lines[int(found[1]) - 1]}", error.message)
    return UsageError(message, error.hint)
