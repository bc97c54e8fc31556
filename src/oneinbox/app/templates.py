"""Filling `{{name}}` in prompts and first messages."""

import re
from collections.abc import Mapping

_PLACE = re.compile(r"\{\{\s*([A-Za-z_][A-Za-z0-9_.-]*)\s*\}\}")


def fill(template: str, variables: Mapping[str, str]) -> tuple[str, frozenset[str]]:
    """The text with every `{{name}}` replaced, and the names that had no value and were left empty."""
    unknown: set[str] = set()

    def value(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in variables:
            unknown.add(name)
        return variables.get(name, "")

    return _PLACE.sub(value, template), frozenset(unknown)
