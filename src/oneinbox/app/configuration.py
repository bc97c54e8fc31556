"""The reference of all settings, made from the settings themselves."""

from pydantic.fields import FieldInfo

from oneinbox.app.settings import Settings, variable

HEAD = """# Configuration

Everything is set by environment variables, read when a process starts. An empty one counts as not set, except where
empty means none. A wrong value is refused at the start, with its variable's name and an example of a right one.

| variable | what it means | default |
|---|---|---|
"""


def reference() -> str:
    """The page `docs/configuration.md`."""
    return HEAD + "".join(_row(name, field) for name, field in Settings.model_fields.items())


def _row(name: str, field: FieldInfo) -> str:
    extra = field.json_schema_extra
    assert isinstance(extra, dict), name
    means = str(field.description).rstrip(".")
    example = str(extra["example"]).replace("|", "\\|")
    return f"| `{variable(name)}` | {means}, e.g. `{example}` | {_default(field, extra.get('shown'))} |\n"


def _default(field: FieldInfo, shown: object) -> str:
    if shown:
        return str(shown)
    if field.default is None:
        return "none"
    plain = str(field.default).lower() if isinstance(field.default, bool) else str(field.default)
    return f"`{plain}`"
