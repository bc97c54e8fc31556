"""`oneinbox up` as a user runs it: comes up, brings back whatever is killed, and leaves nothing behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from tests.ports import free_port

PATIENCE = 120.0


def eventually(what: str, look: Callable[[], Any]) -> Any:
    """What `look` gives once it gives something."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.1)
    pytest.fail(f"not within {PATIENCE:.0f} s: {what}")


class Product:
    """A data folder and ports of its own; `up` may run, be killed and run again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "data"
        self.log = folder / "log"
        self.api, self.sip = free_port(), free_port()
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith("ONEINBOX_")} | {
            "ONEINBOX_DATA_DIR": str(self.folder),
            "ONEINBOX_API_LISTEN": f"127.0.0.1:{self.api}",
            "ONEINBOX_SIP_LISTEN": f"127.0.0.1:{self.sip}",
            "ONEINBOX_RTP_PORTS": "23000-23099",
        }
        self.process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "oneinbox", "up", "--no-demo"],
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line == "ready\n", self.log.read_text()[-3000:]

    def end(self, number: signal.Signals) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "oneinbox", *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=PATIENCE)

    def health(self) -> str | None:
        try:
            return str(httpx.get(f"http://127.0.0.1:{self.api}/v1/health", timeout=3).json().get("status"))
        except httpx.HTTPError:
            return None

    def answers_sip(self) -> bool:
        """Whether OPTIONS gets its 200."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(0.5)
            sock.bind(("127.0.0.1", 0))
            port, branch = sock.getsockname()[1], f"z9hG4bK{os.urandom(6).hex()}"
            lines = [
                f"OPTIONS sip:127.0.0.1:{self.sip} SIP/2.0",
                f"Via: SIP/2.0/UDP 127.0.0.1:{port};branch={branch}",
                "From: <sip:test@127.0.0.1>;tag=1",
                f"To: <sip:127.0.0.1:{self.sip}>",
                f"Call-ID: {branch}",
                "CSeq: 1 OPTIONS",
                "Max-Forwards: 70",
                "Content-Length: 0",
                "",
                "",
            ]
            sock.sendto("\r\n".join(lines).encode(), ("127.0.0.1", self.sip))
            try:
                return sock.recv(4096).startswith(b"SIP/2.0 200")
            except OSError:
                return False

    def children(self) -> dict[str, int]:
        """Process ids by command, of this supervisor."""
        assert self.process is not None
        found = {}
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text().rpartition(")")[2].split()
                command = (entry / "cmdline").read_bytes().decode().split("\0")
            except OSError:
                continue
            if int(stat[1]) != self.process.pid:
                continue
            if command[0].endswith("postgres"):
                found["postgres"] = int(entry.name)
            elif command[1:3] == ["-m", "oneinbox"]:
                found[command[3]] = int(entry.name)
        return found

    def living(self) -> list[str]:
        """Commands of processes that work for this data folder."""
        found = []
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    environment = (entry / "environ").read_bytes().decode(errors="replace")
                    command = (entry / "cmdline").read_bytes().decode().replace("\0", " ")
                except OSError:
                    continue
                if f"ONEINBOX_DATA_DIR={self.folder}" in environment:
                    found.append(command)
        return found


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    made = Product(tmp_path_factory.mktemp("product"))
    made.start()
    yield made
    if made.process is not None and made.process.poll() is None:
        assert made.end(signal.SIGTERM) == 0
    assert made.living() == []


def test_it_answers(product: Product) -> None:
    assert product.health() == "ok"
    assert product.answers_sip()
    assert set(product.children()) == {"postgres", "api", "jobs", "edge", "voice"}


def test_a_key_is_printed_and_nothing_else(product: Product) -> None:
    made = product.run("keys", "create", "while it runs")
    assert made.returncode == 0
    key = made.stdout.removesuffix("\n")
    assert key.startswith("oi_sk_")
    assert "\n" not in key
    answer = httpx.get(
        f"http://127.0.0.1:{product.api}/v1/api-keys", headers={"Authorization": f"Bearer {key}"}, timeout=5
    )
    assert [one["name"] for one in answer.json()] == ["while it runs"]


def test_a_second_one_on_the_same_folder_is_refused(product: Product) -> None:
    second = product.run("up", "--no-demo")
    assert second.returncode != 0
    assert "running already" in second.stderr
    assert product.health() == "ok"


@pytest.mark.parametrize("name", ["api", "jobs", "edge", "voice", "postgres"])
def test_what_is_killed_comes_back(product: Product, name: str) -> None:
    killed = product.children()[name]
    os.kill(killed, signal.SIGKILL)
    eventually(f"a new {name}", lambda: product.children().get(name, killed) != killed)
    eventually("health", lambda: product.health() == "ok")
    eventually("SIP", product.answers_sip)
    assert set(product.children()) == {"postgres", "api", "jobs", "edge", "voice"}


def test_doctor_finds_it_well(product: Product) -> None:
    seen = product.run("doctor")
    assert seen.returncode == 0, seen.stdout
    assert "FAIL" not in seen.stdout


def test_a_killed_supervisor_leaves_nothing_and_the_next_start_has_everything(product: Product) -> None:
    before = product.run("keys", "create", "kept")
    assert product.end(signal.SIGKILL) == -signal.SIGKILL
    eventually("the end of its children", lambda: not product.living())
    after = product.run("keys", "create", "while it is stopped")
    assert (before.returncode, after.returncode) == (0, 0), after.stderr
    product.start()
    headers = {"Authorization": f"Bearer {after.stdout.strip()}"}
    answer = httpx.get(f"http://127.0.0.1:{product.api}/v1/api-keys", headers=headers, timeout=10)
    assert answer.status_code == 200, answer.text
    assert {"kept", "while it is stopped"} <= {one["name"] for one in answer.json()}


@pytest.mark.parametrize(("kind", "variable"), [("tcp", "ONEINBOX_API_LISTEN"), ("udp", "ONEINBOX_SIP_LISTEN")])
def test_a_taken_port_ends_it_with_the_name_of_the_setting(tmp_path: Path, kind: str, variable: str) -> None:
    product = Product(tmp_path)
    taken = socket.socket(socket.AF_INET, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    with taken:
        taken.bind(("127.0.0.1", product.api if kind == "tcp" else product.sip))
        if kind == "tcp":
            taken.listen()
        ended = product.run("up", "--no-demo")
    assert ended.returncode == 2, ended.stderr[-2000:]
    assert variable in ended.stderr
    assert "ready" not in ended.stdout
    assert product.living() == []


@pytest.mark.parametrize(
    ("variable", "value"), [("ONEINBOX_SIP_LISTEN", "5060"), ("ONEINBOX_RTP_PORTS", "9"), ("ONEINBOX_MASTER_KEY", "x")]
)
def test_a_wrong_setting_ends_it_with_its_name(tmp_path: Path, variable: str, value: str) -> None:
    product = Product(tmp_path)
    product.environment[variable] = value
    ended = product.run("up", "--no-demo")
    assert ended.returncode == 2, ended.stderr[-2000:]
    assert variable in ended.stderr
    assert "Traceback" not in ended.stderr


def test_logs_are_json_lines_without_secrets(product: Product) -> None:
    lines = [line for line in product.log.read_text().splitlines() if line.startswith("{")]
    assert lines
    assert {json.loads(line)["process"] for line in lines} >= {"api", "edge", "voice-0"}
    passwords = (product.folder / "postgres.passwords").read_text().split()
    assert not any(secret in line for secret in passwords for line in product.log.read_text().splitlines())


def test_what_it_writes_is_for_its_user_alone(product: Product) -> None:
    """The data folder itself may be entered by the database's user, but not listed."""
    assert product.folder.stat().st_mode & 0o044 == 0
    open_to_others = [
        str(path.relative_to(product.folder))
        for path in product.folder.rglob("*")
        if path.stat().st_mode & 0o077 and not path.is_symlink()
    ]
    assert open_to_others == []


def test_a_database_of_ones_own_is_taken(tmp_path: Path, template: Any) -> None:
    """As one role for everything, on a database that was never migrated."""
    product = Product(tmp_path)
    maintenance = template.sibling("postgres").owner.replace("+psycopg", "")
    with psycopg.connect(maintenance, autocommit=True) as connection:
        connection.execute("CREATE DATABASE one_of_my_own")
    product.environment["ONEINBOX_DATABASE_URL"] = template.sibling("one_of_my_own").owner.replace("+psycopg", "")
    try:
        product.start()
        assert "postgres" not in product.children()
        assert product.run("keys", "create", "mine").stdout.startswith("oi_sk_")
        assert product.end(signal.SIGTERM) == 0
    finally:
        with psycopg.connect(maintenance, autocommit=True) as connection:
            connection.execute("DROP DATABASE one_of_my_own WITH (FORCE)")
