"""YAML as plain values, never as objects of code; read by libyaml where it is there, in a seventh of the time."""

from __future__ import annotations

from typing import Any

import yaml

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def parsed(text: str) -> Any:
    """What the text says; yaml.YAMLError, which shows the place, where it says nothing."""
    try:
        return _Loader(text).get_single_data()
    except yaml.YAMLError:
        return yaml.safe_load(text)  # says it in better words than libyaml
