"""Child processes that never outlive their parent, locks on folders, and which processes live in a folder."""

import ctypes
import fcntl
import os
import select
import signal
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)


def dying_with_parent(signal_number: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn` after which the child is sent the signal when its parent ends, however that ends (prctl(2)).

    "Parent" means the thread that starts the child, so start children from threads that stay. Linux forgets the wish
    when the user changes afterwards; Popen changes it before.
    """
    parent = os.getpid()

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, int(signal_number), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return prepare


def free_port(host: str = "127.0.0.1") -> int:
    """A TCP port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((host, 0))
        port: int = probe.getsockname()[1]
        return port


def port_is_free(kind: socket.SocketKind, host: str, port: int) -> bool:
    """Whether a socket could be opened there: `SOCK_STREAM` for TCP, `SOCK_DGRAM` for UDP."""
    with socket.socket(socket.AF_INET, kind) as probe:
        if kind is socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def living_in(folder: Path, name: str) -> frozenset[int]:
    """The ids of processes of that name whose working directory is the folder, as far as we may see."""
    try:
        home = os.stat(folder)
    except FileNotFoundError:
        return frozenset()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                place = os.stat(entry / "cwd")
                same_place = (place.st_dev, place.st_ino) == (home.st_dev, home.st_ino)
                if same_place and (entry / "comm").read_text(encoding="utf-8").strip() == name:
                    found.add(int(entry.name))
    return frozenset(found)


def send(pid: int, signal_number: signal.Signals) -> None:
    """Send a signal; a process that has ended meanwhile is as good."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal_number)


def wait_for_end(pids: Iterable[int], seconds: float) -> bool:
    """Wait for processes that needn't be our children; False when one of them is still there after that time."""
    deadline = time.monotonic() + seconds
    for pid in pids:
        with suppress(ProcessLookupError):
            descriptor = os.pidfd_open(pid)
            try:
                if not select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))[0]:
                    return False
            finally:
                os.close(descriptor)
    return True


class FolderLock:
    """At most one process at a time holds a folder; the lock ends with its holder, however that ends (flock(2))."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock without waiting; False when another process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
