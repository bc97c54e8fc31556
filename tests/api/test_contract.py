"""The OpenAPI document: equal to the seed where the seed speaks, and to what is committed everywhere."""

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

SHARED = Path(__file__).parents[3] / "shared" / "data"
COMMITTED = Path(__file__).parents[2] / "openapi.json"
PATH = "/v1/phone-numbers"


@pytest.fixture(scope="module")
def seed() -> dict[str, Any]:
    """The seed operation's document."""
    page = SHARED / "register-phone-number.openapi.md"
    if not page.exists():
        if os.environ.get("CI"):
            pytest.fail(f"{page.name} is not beside this clone, and CI must compare with it")
        pytest.skip(f"{page.name} is not beside this clone")
    block = re.search(r"````yaml[^\n]*\n(.*?)````", page.read_text(encoding="utf-8"), re.DOTALL)
    assert block is not None
    document: dict[str, Any] = yaml.safe_load(block[1])
    return document


def test_the_operation_is_that_of_the_seed(seed: dict[str, Any], shared: Any) -> None:
    assert shared.app.openapi()["paths"][PATH]["post"] == seed["paths"][PATH]["post"]


def test_every_component_of_the_seed_is_equal(seed: dict[str, Any], shared: Any) -> None:
    ours = shared.app.openapi()["components"]
    names = seed["components"]["schemas"].keys()
    assert names, "the seed has components"
    assert {name: ours["schemas"].get(name) for name in names} == seed["components"]["schemas"]
    assert ours["securitySchemes"] == seed["components"]["securitySchemes"]


def test_the_head_of_the_document_is_that_of_the_seed(seed: dict[str, Any], shared: Any) -> None:
    ours = shared.app.openapi()
    assert {part: ours[part] for part in ("openapi", "info", "security")} == {
        part: seed[part] for part in ("openapi", "info", "security")
    }


def test_the_committed_document_is_the_one_served(shared: Any) -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"))
    assert committed == shared.app.openapi(), "run: make openapi"


def test_operations_list_the_errors_they_can_give(shared: Any) -> None:
    document = shared.app.openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if (path, method) == (PATH, "post"):
                continue
            assert "500" in operation["responses"], (method, path)
            if operation.get("security"):
                assert "401" in operation["responses"], (method, path)
            if "{" in path:
                assert "404" in operation["responses"], (method, path)
