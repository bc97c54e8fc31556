"""The machine that is measured on, and what processes use of it, as the kernel counts."""

import os
import platform
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

QUIET_LOAD = 0.5
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def facts() -> list[str]:
    """What the machine is, a line each."""
    load = os.getloadavg()[0]
    lines = [
        f"cores: {len(os.sched_getaffinity(0))} × {_cpu_model()}",
        f"kernel: {platform.system()} {platform.release()}; Python {platform.python_version()}",
        f"load average at the start: {load:.2f}",
    ]
    if load > QUIET_LOAD:
        lines.append(
            f"WARNING: the machine is not idle (load above {QUIET_LOAD}): figures are worse than they would be"
        )
    return lines


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


@dataclass(frozen=True, slots=True)
class Process:
    """A process of a deployment. Times in CPU seconds; `reaped` is what its ended children used."""

    pid: int
    parent: int
    own: float
    reaped: float
    resident: int
    command: str


def read(pid: int) -> Process | None:
    """One process as it is now; None when it is gone."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
        command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return None
    fields = stat.rpartition(")")[2].split()
    user, system, gone_user, gone_system = (int(fields[at]) / _TICKS for at in range(11, 15))
    return Process(pid, int(fields[1]), user + system, gone_user + gone_system, int(fields[21]) * _PAGE, command)


def below(pid: int) -> Iterator[Process]:
    """A process and all that descend from it."""
    there = {one.pid: one for name in os.listdir("/proc") if name.isdigit() and (one := read(int(name)))}
    wanted = [pid]
    while wanted:
        pid = wanted.pop()
        if pid in there:
            yield there[pid]
            wanted += [one.pid for one in there.values() if one.parent == pid]


def role(command: str) -> str:
    """What a process of a deployment is there for: voice, edge, api, jobs, postgres or supervisor."""
    if "postgres" in command.partition(" ")[0]:
        return "postgres"
    said = command.partition("-m oneinbox ")[2].split()
    return {"": "other", "up": "supervisor"}.get(said[0] if said else "", said[0] if said else "other")


def cpu_seconds(pid: int) -> dict[str, float]:
    """CPU seconds that each role of the deployment under supervisor `pid` has used."""
    used: dict[str, float] = {}
    for process in below(pid):
        kind = role(process.command)
        reaped = process.reaped if kind == "postgres" else 0.0
        used[kind] = used.get(kind, 0.0) + process.own + reaped
    return used


def resident_bytes(pid: int, kind: str) -> int:
    """Memory of the processes of one role."""
    return sum(process.resident for process in below(pid) if role(process.command) == kind)


def supervisor() -> int:
    """The process id of the deployment that this process has started."""
    (pid,) = (process.pid for process in below(os.getpid()) if role(process.command) == "supervisor")
    return pid
