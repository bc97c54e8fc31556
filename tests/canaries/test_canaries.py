"""Secrets planted in every field that takes one are found nowhere, and a planted leak of each kind is found."""

import signal
from collections.abc import Iterator

import pytest
from tests.canaries.forms import forms, search
from tests.canaries.judging import caught, hidden
from tests.canaries.leaks import KINDS
from tests.canaries.planted import FIELDS, OWN_PASSWORDS, SIP, secret_fields
from tests.canaries.planting import ANSWERED, Planted, plant


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    product = Planted(tmp_path_factory.mktemp("canaries"))
    product.start()
    plant(product)
    yield product
    product.end(signal.SIGTERM)


def test_every_field_that_takes_a_secret_has_one() -> None:
    unknown = {name for name in FIELDS if name.endswith("*.*")}
    assert secret_fields() == (set(FIELDS) - unknown) | set(OWN_PASSWORDS)


def test_they_went_through_everything(planted: Planted) -> None:
    assert planted.statuses >= {200, 201, 400, 401, 404, 409, 422, 500, 502}
    assert set(planted.looks) >= set(FIELDS) | set(SIP) | {*OWN_PASSWORDS, *ANSWERED, "API key", "login 0"}
    assert planted.recordings()
    assert planted.kept().stat().st_size
    log = planted.log.read_text()
    assert all(f'"process": "{name}' in log for name in ("api", "edge", "voice", "jobs"))
    assert '"level": "debug"' in log
    assert '"exception"' in log


def test_no_secret_is_anywhere(planted: Planted) -> None:
    assert {name: places for name, places in hidden(planted).items() if places} == {}


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_leak_is_found_in_every_form(planted: Planted, kind: str) -> None:
    seen = caught(planted, kind)
    assert {name for name, found in seen.items() if not found} == set()
    forms_seen = {name.partition(" in ")[0] for name in seen}
    assert forms_seen >= {"raw", "json", "url", "hex", "sha256", "base64+0", "ha1 md5 oneinbox", "ha1 sha256 oneinbox"}


@pytest.mark.parametrize(
    ("secret", "form", "escaped"),
    [
        ("a secret &/", "url", "a%20secret%20%26%2F"),
        ("a secret &/", "url+", "a+secret+%26%2F"),
        ('a "secret" \\', "json", 'a \\"secret\\" \\\\'),
        ("a\xa0secret", "repr", "a\\xa0secret"),
    ],
)
def test_secrets_that_are_escaped_are_found(secret: str, form: str, escaped: str) -> None:
    found = search({"text": f"before {escaped} after".encode()}, {"it": forms(secret)})
    assert f"text: it as {form}" in found
