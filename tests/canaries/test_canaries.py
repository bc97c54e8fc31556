"""Secrets planted in every field that takes one are found nowhere, and a planted leak of each kind is found."""

import base64
import hashlib
import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.app.test_up import Product
from tests.canaries.forms import forms, search

from oneinbox.kit.db import libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

USERNAME = "canary-user"
SECRETS = {
    "auth_password": "kanarie-uit/åäö +1&2",
    "inbound_password": 'kanarie-in-4711-"quoted"',
    "unknown key": "kanarie-onbekend-0815",
    "deep unknown key": "kanarie-diep-2718281828",
    "environment password": "kanarie-omgeving-31415",
    "model key": "kanarie-model-161803398",
    "sign-in password": "kanarie-aanmelden-14142",
}
LOOKS = {name: forms(secret, username=USERNAME) for name, secret in SECRETS.items()}
CONFIG = {
    "trunk_address": "canary.example",
    "auth_username": USERNAME,
    "auth_password": SECRETS["auth_password"],
    "inbound_username": USERNAME,
    "inbound_password": SECRETS["inbound_password"],
    "api_token": SECRETS["unknown key"],
    "options": {"nested": [SECRETS["deep unknown key"]]},
}


class Planted(Product):
    """A deployment at its most talkative, in which the secrets are planted; keeps every answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers: list[str] = []
        self.environment |= {
            "ONEINBOX_LOG_LEVEL": "debug",
            "TELNYX_SIP_PASSWORD": SECRETS["environment password"],
            "ONEINBOX_LLM_BASE_URL": "http://127.0.0.1:9/v1",
            "ONEINBOX_LLM_API_KEY": SECRETS["model key"],
        }

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})
        answer = httpx.request(method, f"http://127.0.0.1:{self.api}{path}", headers=headers, timeout=30, **more)
        self.answers.append(f"{answer.headers}\n{answer.text}")
        return answer

    def sql(self, statement: str) -> None:
        with psycopg.connect(libpq_url(EmbeddedPostgres(self.folder).owner_url), autocommit=True) as connection:
            connection.execute(statement)

    def dump(self) -> bytes:
        """Every row of every table, in the form in which text stands as it is: nothing in it is escaped."""
        with psycopg.connect(libpq_url(EmbeddedPostgres(self.folder).owner_url)) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = 'public'"
            ).fetchall()
            rows = b""
            for schema, table in tables:
                with connection.cursor().copy(f'COPY "{schema}"."{table}" TO STDOUT (FORMAT binary)') as copy:
                    rows += b"".join(bytes(block) for block in copy)
        return rows

    def files(self) -> Iterator[tuple[str, bytes]]:
        """Everything in the data folder: the database's own files and log, recordings, keys."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield f"file {path.relative_to(self.folder)}", path.read_bytes()

    def artefacts(self) -> dict[str, bytes]:
        everything = {
            "answers": "\n".join(self.answers).encode("utf-8", "surrogateescape"),
            "log": self.log.read_bytes(),
            "dump": self.dump(),
        }
        return everything | dict(self.files())


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Planted]:
    product = Planted(tmp_path_factory.mktemp("canaries"))
    product.start()
    plant(product)
    yield product
    product.end(signal.SIGTERM)


def plant(product: Planted) -> None:
    """Through success, 400, 401, 404, 409, 422, 500 and errors of the media plane."""
    made = product.run("keys", "create", "canaries")
    key = made.stdout.strip()
    LOOKS["API key"] = {name: form for name, form in forms(key).items() if name != "sha256 raw"}
    agent = product.ask("POST", "/v1/agents", key, json={"name": "Canary"}).json()["id"]

    def register(number: str, **more: Any) -> int:
        body = {"phone_number": number, "provider": "twilio", "agent_id": agent, "provider_config": CONFIG} | more
        return product.ask("POST", "/v1/phone-numbers", key, json=body, headers={"Idempotency-Key": number}).status_code

    statuses = [
        register("+15550111001"),
        register("+15550111001", friendly_name="again"),
        register("+15550111002", provider_config=CONFIG | {"trunk_address": ""}),
        register("+15550111003", agent_id="01a2123b-0000-7000-8000-000000000000"),
        register("+15550111004", provider_config=CONFIG | {"auth_username": 7}),
        register("+15550111005", provider_config=CONFIG | {"auth_password": [SECRETS["auth_password"]]}),
        register("+15550111006", provider_config=CONFIG | {"auth_password": SECRETS["auth_password"] * 20}),
        register("+15550111007", provider_config=[CONFIG]),
        register("+15550111008", provider_config=CONFIG | {"inbound_username": None}),
        register("not a number"),
        register("+15550111009", provider="telnyx", provider_config={"trunk_address": "a.example"}),
    ]
    assert {201, 400, 404, 422} <= set(statuses)
    broken = json.dumps({"phone_number": "+1", "provider_config": CONFIG})[:-3]
    product.ask("POST", "/v1/phone-numbers", key, content=broken, headers={"Content-Type": "application/json"})
    product.ask("POST", "/v1/phone-numbers", None, json={"provider_config": CONFIG})
    for table, expected in (("outbound_trunks", 502), ("phone_numbers", 500)):
        product.sql(f"REVOKE INSERT ON {table} FROM oneinbox_app")
        assert register("+15550111010") == expected
        product.sql(f"GRANT INSERT ON {table} TO oneinbox_app")
    product.ask("GET", "/v1/phone-numbers", key)
    sign_in = {"email": "canary@example.org", "password": SECRETS["sign-in password"], "name": "Canary"}
    product.ask("POST", "/v1/auth/signup", json=sign_in)
    product.ask("POST", "/v1/auth/login", json=sign_in)
    product.ask("POST", "/v1/auth/login", json=sign_in | {"email": 7})


def test_no_secret_is_anywhere(planted: Planted) -> None:
    artefacts = planted.artefacts()
    assert {"answers", "log", "dump", "file master.key", "file postgres.log"} <= set(artefacts)
    assert search(artefacts, LOOKS) == []


@pytest.mark.parametrize("kind", ["answers", "log", "dump", "file"])
def test_a_planted_leak_is_found_in_every_form(planted: Planted, kind: str) -> None:
    """The same search over the same artefacts, collected in the same way, with one leak more of each form."""
    secret = "kanarie-voorbeeld-1"
    looks = {"example": forms(secret, username=USERNAME)}
    with leak(planted, kind, b" ".join(leaked(secret, form) for form in looks["example"])):
        found = search(planted.artefacts(), looks)
    seen = {place.rpartition(" as ")[2] for place in found if place.startswith(kind)}
    assert seen == set(looks["example"])


@contextmanager
def leak(planted: Planted, kind: str, content: bytes) -> Iterator[None]:
    """A leak where the product would make it: in an answer, in its log, in a column, in a file of its folder."""
    if kind == "answers":
        planted.answers.append(content.decode("utf-8", "surrogateescape"))
        yield
        planted.answers.pop()
    elif kind == "log":
        size = planted.log.stat().st_size
        with planted.log.open("ab") as log:
            log.write(content)
        yield
        os.truncate(planted.log, size)
    elif kind == "dump":
        planted.sql("CREATE TABLE leaks (leak bytea)")
        planted.sql(f"INSERT INTO leaks VALUES ('\\x{content.hex()}')")
        yield
        planted.sql("DROP TABLE leaks")
    else:
        path = planted.folder / "recordings.leak"
        path.write_bytes(content)
        yield
        path.unlink()


def leaked(secret: str, form: str) -> bytes:
    """The secret as a leak would write it, made apart from the search."""
    raw = secret.encode()
    if form.startswith("base64"):
        return base64.b64encode(b"x" * int(form[-1]) + raw + b"tail")
    if form.startswith("ha1"):
        algorithm = hashlib.md5 if "md5" in form else hashlib.sha256
        return algorithm(b":".join([USERNAME.encode(), b"oneinbox", raw])).hexdigest().encode()
    return {
        "raw": raw,
        "url": raw,
        "url+": raw,
        "json": raw,
        "repr": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "sha256": hashlib.sha256(raw).hexdigest().encode(),
        "sha256 raw": hashlib.sha256(raw).digest(),
        "utf-16": secret.encode("utf-16-le"),
    }[form]
