"""What is said of a setting of config.json that is not what it should be."""

import json
from typing import Any

from ..notices import short


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number; true and false are none."""
    return isinstance(value, int) and not isinstance(value, bool)


def wrong(key: str, value: Any, wanted: str) -> ValueError:
    """Return the error that says what a setting is and what it should be."""
    return ValueError(f"{key} is {shown(value)}, not {wanted}")


def shown(value: Any) -> str:
    """Return a value as it stands in the file, cut to a few words."""
    if isinstance(value, dict | list):
        return "an object" if isinstance(value, dict) else "a list"
    return short(json.dumps(value, ensure_ascii=False))
