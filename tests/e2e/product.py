"""One real deployment for tests: `oneinbox up` as a child on loopback, its API, its database, its processes."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import psycopg
from tests import ports

from oneinbox.kit.db import libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

START_SECONDS = 90
STOP_SECONDS = 15
WIDTH = 400
TRUNK = {"trunk_address": "trunk.example", "auth_username": "acme", "auth_password": "not a secret"}

_numbers = count(15550102001)


def free_range(size: int) -> str:
    """A range of UDP ports of which none is in use."""
    for first in range(32000, 60000, size):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, socket.socket(type=socket.SOCK_DGRAM) as last:
            try:
                probe.bind(("0.0.0.0", first))
                last.bind(("0.0.0.0", first + size - 1))
            except OSError:
                continue
            return f"{first}-{first + size - 1}"
    raise AssertionError("No UDP ports are free.")


class Product:
    """A deployment that answers calls."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = environment
        self.log = folder / "log"
        self._process = process
        host, port = environment["ONEINBOX_SIP_LISTEN"].split(":")
        self.sip = (host, int(port))
        key = self.command("keys", "create", "e2e").strip()
        self.api = httpx.Client(
            base_url=f"http://{environment['ONEINBOX_API_LISTEN']}",
            headers={"Authorization": f"Bearer {key}"},
            timeout=10,
        )

    @property
    def data_dir(self) -> Path:
        return Path(self.environment["ONEINBOX_DATA_DIR"])

    @property
    def voice_folder(self) -> Path:
        """The voice as this deployment's workers have prepared it."""
        return next(self.data_dir.glob("voice-*"))

    def command(self, *arguments: str) -> str:
        """What `oneinbox …` prints, run beside the deployment."""
        done = subprocess.run(
            [sys.executable, "-m", "oneinbox", *arguments],
            env=dict(self.environment),
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """The answer's JSON; fails unless the request succeeded."""
        answer = self.api.request(method, path, json=body)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def agent(
        self, *script: str, heard: str = "default", brain: str = "scripted", ears: str = "scripted", **more: Any
    ) -> str:
        """The id of a new agent whose brain follows `script`, line by line; it speaks with the builtin voice."""
        prompt = "\n".join(f"SCRIPT: {line}" for line in script) if brain == "scripted" else "\n".join(script)
        model = {"name": "e2e", "provider": brain, "model": "e2e", "system_prompt": prompt}
        llm_id = self.ask("POST", "/v1/models", model)["id"]
        body = {"name": "e2e", "llm_id": llm_id, "transcriber": {"provider": ears, "model": heard}} | more
        agent_id: str = self.ask("POST", "/v1/agents", body)["id"]
        return agent_id

    def number(self, agent_id: str, *, config: Mapping[str, object] | None = None, **more: Any) -> str:
        """A number that nobody else has, registered for the agent."""
        number = f"+{next(_numbers)}"
        body = {"phone_number": number, "provider": "twilio", "agent_id": agent_id} | more
        self.ask("POST", "/v1/phone-numbers", body | {"provider_config": TRUNK | dict(config or {})})
        return number

    def phone_id(self, number: str) -> str:
        """The id of a registered number."""
        numbers = self.ask("GET", "/v1/phone-numbers?limit=100")["items"]
        return next(str(one["id"]) for one in numbers if one["phone_number"] == number)

    def calls_to(self, number: str) -> list[dict[str, Any]]:
        """The calls to a number among the newest, newest first."""
        calls = self.ask("GET", "/v1/calls?limit=20")["items"]
        return [call for call in calls if call["to_number"] == number]

    def the_call(self, number: str) -> dict[str, Any]:
        """The only call to a number, as it is now."""
        (call,) = self.calls_to(number)
        fetched: dict[str, Any] = self.ask("GET", f"/v1/calls/{call['id']}")
        return fetched

    def ended_call(self, number: str, within: float = 2.0) -> dict[str, Any]:
        """The only call to a number, which must have ended, with its record, within this many seconds from now."""
        until = time.monotonic() + within
        while True:
            call = self.the_call(number)
            if call["status"] in ("completed", "failed"):
                return call
            assert time.monotonic() < until, f"still {call['status']} after {within} s: {call}"
            time.sleep(0.1)

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the deployment's database says: for what the API doesn't show yet."""
        with psycopg.connect(libpq_url(self.owner_url)) as connection:
            return connection.execute(query.encode(), values).fetchall()

    @property
    def owner_url(self) -> str:
        """Its database as the schema's owner."""
        return self.environment.get("ONEINBOX_DATABASE_OWNER_URL") or EmbeddedPostgres(self.data_dir).owner_url

    def events(self, call_id: str, kind: str) -> list[dict[str, Any]]:
        """The payloads of a call's events of one kind, in order."""
        query = "SELECT payload FROM call_events WHERE call_id = %s AND type = %s ORDER BY seq"
        return [payload for (payload,) in self.rows(query, call_id, kind)]

    def attempts(self, dialled: str, within: float = 2.0, least: int = 1) -> list[tuple[int, str]]:
        """Status and cause of each INVITE for what was dialled, once so many are on record or this time is over."""
        query = "SELECT status, cause FROM attempts WHERE dialled = %s ORDER BY id"
        until = time.monotonic() + within
        while len(found := self.rows(query, dialled)) < least and time.monotonic() < until:
            time.sleep(0.1)
        return [(status, cause) for status, cause in found]

    def worker_of(self, call_id: str) -> int:
        """The process that carries a call."""
        query = "SELECT workers.pid FROM calls JOIN workers ON workers.id = calls.worker_id WHERE calls.id = %s"
        ((pid,),) = self.rows(query, call_id)
        return self._own(pid)

    def workers(self) -> list[int]:
        """The voice processes that take calls."""
        return [self._own(pid) for (pid,) in self.rows("SELECT pid FROM workers WHERE state = 'ready'")]

    def child(self, command: str) -> int:
        """The process of this deployment that runs `oneinbox COMMAND`, or `postgres`; 0 while there is none."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        for pid in map(int, children):
            with suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
                if words[1:4] == ["-m", "oneinbox", command] or words[0].endswith(f"/{command}"):
                    return pid
        return 0

    def ask_to_stop(self) -> None:
        """As Ctrl-C does, once."""
        self._process.send_signal(signal.SIGTERM)

    def exit_code(self, seconds: float = STOP_SECONDS) -> int:
        """How it ended; fails when it doesn't end in time."""
        return self._process.wait(seconds)

    def stop(self) -> None:
        """End it as its user would: a second Ctrl-C hangs up what a failed test has left."""
        self.api.close()
        for _ in range(2):
            self._process.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(STOP_SECONDS)
                return
        self._process.kill()
        self._process.wait()

    def _own(self, pid: int) -> int:
        """The pid, which must be a child of this deployment's."""
        parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert parent == self._process.pid
        return pid


@contextmanager
def deployment(folder: Path, *, voice: Path | None = None, **settings: str) -> Iterator[Product]:
    """A deployment with its data below `folder`; `voice` is a prepared voice to start with."""
    environment = _environment(folder, settings)
    data = Path(environment["ONEINBOX_DATA_DIR"])
    if voice is not None:
        shutil.copytree(voice, data / voice.name)
    with (folder / "log").open("w") as log, (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "oneinbox", "up", "--no-demo"],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=log,
            start_new_session=True,
        )
    try:
        _until_ready(process, folder)
        product = Product(process, folder, environment)
    except BaseException:
        process.kill()
        process.wait()
        raise
    try:
        yield product
    finally:
        product.stop()


def _environment(folder: Path, settings: dict[str, str]) -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(("ONEINBOX_", "TWILIO_"))}
    own = {
        "DATA_DIR": str(folder / "data"),
        "API_LISTEN": f"127.0.0.1:{ports.free_port()}",
        "SIP_LISTEN": f"127.0.0.1:{ports.free_port()}",
        "RTP_PORTS": free_range(200),
        "SCRIPTED_PROVIDERS": "true",
    }
    return inherited | {f"ONEINBOX_{name.upper()}": value for name, value in (own | settings).items()}


def _until_ready(process: "subprocess.Popen[bytes]", folder: Path) -> None:
    """Wait for the line that says that calls are answered."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        if "ready" in (folder / "said").read_text().splitlines():
            return
        time.sleep(0.05)
    raise AssertionError("`oneinbox up` did not become ready:\n" + excerpt(folder / "log", 0))


def excerpt(log: Path, since: int, lines: int = 80) -> str:
    """The end of a log from a position on, without what every request leaves."""
    with log.open(errors="replace") as file:
        file.seek(since)
        return "\n".join([line.rstrip()[:WIDTH] for line in file if _tells(line)][-lines:])


def _tells(line: str) -> bool:
    try:
        return json.loads(line).get("event") not in ("request", "heartbeat")
    except ValueError:
        return True
