"""A deployment at its most talkative, in which the secrets are planted, and everything that it leaves behind."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests.app.test_up import Product, eventually
from tests.canaries import calling
from tests.canaries.forms import forms
from tests.canaries.planted import FIELDS, OWN_PASSWORDS, USERNAME, looks

from oneinbox.kit.db import libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

ANSWERED = ("access token", "new API key")
"""What is given away once, to whoever asked for it."""
HOMES = dict.fromkeys(OWN_PASSWORDS, "file postgres.passwords") | dict.fromkeys(ANSWERED, "answers")
"""Where a secret may be: it is kept there, or was asked for."""
COMMANDS = (("attempts", "--all", "--ladder", "--limit", "1000"), ("doctor",), ("audit", "verify"), ("configuration",))
CONFIG = {
    "trunk_address": "canary.example",
    "auth_username": USERNAME,
    "auth_password": FIELDS["SipProviderConfig.auth_password"],
    "inbound_username": USERNAME,
    "inbound_password": FIELDS["SipProviderConfig.inbound_password"],
    "api_token": FIELDS["SipProviderConfig.*"],
    "options": {"nested": [FIELDS["SipProviderConfig.*.*"]]},
}


class Planted(Product):
    """Keeps every answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.answers: list[str] = []
        self.said: list[str] = []
        self.statuses: set[int] = set()
        self.looks = looks()
        self.environment |= {
            "ONEINBOX_LOG_LEVEL": "debug",
            "ONEINBOX_MASTER_KEY": f"k1:{FIELDS['Settings.master_key']}",
            "TELNYX_SIP_PASSWORD": FIELDS["Settings.telnyx_sip_password"],
            "TWILIO_SIP_PASSWORD": FIELDS["Settings.twilio_sip_password"],
            "ONEINBOX_LLM_BASE_URL": "http://127.0.0.1:9/v1",
            "ONEINBOX_LLM_API_KEY": FIELDS["Settings.llm_api_key"],
        }

    def ask(self, method: str, path: str, key: str | None = None, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        headers |= more.pop("headers", {})
        answer = httpx.request(method, f"http://127.0.0.1:{self.api}{path}", headers=headers, timeout=30, **more)
        self.answers.append(f"{answer.headers}\n{answer.text}")
        self.statuses.add(answer.status_code)
        return answer

    def know(self, name: str, secret: str) -> None:
        """Look for this one too."""
        self.looks[name] = forms(secret, username=USERNAME)

    def sql(self, statement: str, *parameters: Any) -> None:
        with psycopg.connect(libpq_url(EmbeddedPostgres(self.folder).owner_url), autocommit=True) as connection:
            connection.execute(statement.encode(), parameters or None)

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
        """Everything in the data folder: the database's own files and log, recordings, what the edge keeps."""
        for path in sorted(self.folder.rglob("*")):
            if path.is_file():
                yield f"file {path.relative_to(self.folder)}", path.read_bytes()

    def recordings(self) -> list[Path]:
        """The recordings that are complete."""
        return sorted(self.folder.glob("recordings/*/*.ogg"))

    def kept(self) -> Path:
        """Where the edge keeps its dialogs for the one that comes after it."""
        return next(self.folder.glob("edge-*.dialogs"))

    def artefacts(self) -> dict[str, bytes]:
        names = "\n".join(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))
        everything = {
            "answers": "\n".join(self.answers).encode("utf-8", "surrogateescape"),
            "output": "\n".join(self.said).encode("utf-8", "surrogateescape"),
            "log": self.log.read_bytes(),
            "dump": self.dump(),
            "names": names.encode("utf-8", "surrogateescape"),
        }
        return everything | dict(self.files())


def plant(product: Planted) -> None:
    """Through success, 400, 401, 404, 409, 422, 500, errors of the media plane, and calls."""
    key = product.run("keys", "create", "canaries").stdout.strip()
    product.know("API key", key)
    made = product.ask("POST", "/v1/api-keys", key, json={"name": "new"}, headers={"Idempotency-Key": "new"})
    product.know("new API key", made.json()["api_key"])
    agent = product.ask("POST", "/v1/agents", key, json={"name": "Canary", "enable_recording": True}).json()["id"]
    _register(product, key, agent)
    _sign_in(product)
    _call(product)
    product.ask("GET", "/v1/calls", key)
    for phone in product.ask("GET", "/v1/phone-numbers", key).json()["items"]:
        for shown in ("attempts", "operations", "health"):
            product.ask("GET", f"/v1/phone-numbers/{phone['id']}/{shown}", key)
    product.ask("GET", "/v1/audit-events", key, params={"limit": 100})
    for command in COMMANDS:
        done = product.run(*command)
        product.said.append(f"{done.stdout}\n{done.stderr}")
    owner, app = (product.folder / "postgres.passwords").read_text().split()
    product.know("Settings.database_owner_url", owner)
    product.know("Settings.database_url", app)


def _register(product: Planted, key: str, agent: str) -> None:
    def register(number: str, **more: Any) -> int:
        body = {"phone_number": number, "provider": "twilio", "agent_id": agent, "provider_config": CONFIG} | more
        headers = {"Idempotency-Key": f"{number}/{len(product.answers)}"}
        return product.ask("POST", "/v1/phone-numbers", key, json=body, headers=headers).status_code

    secret = CONFIG["auth_password"]
    statuses = [
        register(f"+{calling.NUMBER}"),
        register(f"+{calling.NUMBER}", friendly_name="again"),
        register("+15550111003", agent_id="01a2123b-0000-7000-8000-000000000000"),
        register("+15550111004", provider_config=CONFIG | {"auth_username": 7}),
        register("+15550111005", provider_config=CONFIG | {"auth_password": [secret]}),
        register("+15550111006", provider_config=CONFIG | {"auth_password": str(secret) * 20}),
        register("+15550111007", provider_config=[CONFIG]),
        register("+15550111008", provider_config=CONFIG | {"inbound_username": None}),
        register("not a number"),
        register("+15550111009", provider="telnyx", provider_config={"trunk_address": "a.example"}),
    ]
    assert {201, 400, 404, 409, 422} <= set(statuses)
    broken = json.dumps({"phone_number": "+1", "provider_config": CONFIG})[:-3]
    product.ask("POST", "/v1/phone-numbers", key, content=broken, headers={"Content-Type": "application/json"})
    product.ask("POST", "/v1/phone-numbers", None, json={"provider_config": CONFIG})
    for table, expected in (("outbound_trunks", 502), ("phone_numbers", 500)):
        product.sql(f"REVOKE INSERT ON {table} FROM oneinbox_app")
        assert register("+15550111010") == expected
        product.sql(f"GRANT INSERT ON {table} TO oneinbox_app")


def _sign_in(product: Planted) -> None:
    person = {"email": "canary@example.org", "name": "Canary"}
    right, wrong = FIELDS["SignupRequest.password"], FIELDS["LoginRequest.password"]
    token = product.ask("POST", "/v1/auth/signup", json=person | {"password": right}).json()["access_token"]
    product.know("access token", token)
    product.ask("GET", "/v1/auth/me", token)
    for body in ({"password": right}, {"password": wrong}, {"password": wrong, "email": 7}, {"password": [wrong]}):
        product.ask("POST", "/v1/auth/login", json=person | body)


def _call(product: Planted) -> None:
    """Callers let slip what they know; one call at least is recorded."""
    with calling.phone(product.sip) as phone:
        calling.let_slip(phone)
    assert {200, 401} <= set(phone.statuses), phone.statuses
    for number, response in enumerate(phone.responses):
        product.looks[f"login {number}"] = {"raw": response.encode()}
    eventually("a recording", product.recordings)
    eventually("every attempt", lambda: all(call_id.encode() in product.dump() for call_id in phone.invited))
