"""The reference of settings is the one that the settings make."""

from pathlib import Path

from oneinbox.app.configuration import reference
from oneinbox.app.settings import Settings, variable

PAGE = Path(__file__).parents[2] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == reference(), "run: make docs"


def test_every_setting_is_in_it() -> None:
    page = reference()
    assert [name for name in Settings.model_fields if f"`{variable(name)}`" not in page] == []
