"""What the edge keeps for the one that comes after it, in a file that outlives kill -9: a key's last line holds."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog
from pydantic import TypeAdapter, ValidationError

from oneinbox.edge.actions import Keep
from oneinbox.kit.clock import Clock

LONGEST = timedelta(hours=4)
"""What was written longer ago belongs to no call: they last two hours at most."""
MOST_LINES = 2_000
"""Beyond those that hold: then the file is written anew."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Line:
    key: str
    text: str | None
    at: float
    """Seconds since 1970."""


_LINE: TypeAdapter[_Line] = TypeAdapter(_Line)


class Keepsakes:
    """Without a path nothing is kept. A disk that takes nothing costs the keepsakes, not the calls."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._held: dict[str, _Line] = {}
        self._lines = 0
        self._file = -1

    def open(self) -> Sequence[str]:
        """What the last edge has left."""
        if self._path is None:
            return ()
        latest = self._clock.now().timestamp()
        for line in _lines(self._path):
            self._hold(line)
        oldest = latest - LONGEST.total_seconds()
        self._held = {key: line for key, line in self._held.items() if line.at >= oldest}
        self._write_anew(self._path)
        return [line.text for line in self._held.values() if line.text is not None]

    def keep(self, wanted: Keep) -> None:
        """One more line."""
        if self._path is None or (wanted.text is None and wanted.key not in self._held):
            return
        line = _Line(wanted.key, wanted.text, self._clock.now().timestamp())
        self._hold(line)
        self._lines += 1
        if self._lines > 2 * len(self._held) + MOST_LINES:
            self._write_anew(self._path)
        elif self._file >= 0:
            self._append(_LINE.dump_json(line) + b"\n")

    def close(self) -> None:
        """No more is kept."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _hold(self, line: _Line) -> None:
        if line.text is None:
            self._held.pop(line.key, None)
        else:
            self._held[line.key] = line

    def _append(self, data: bytes) -> None:
        try:
            os.write(self._file, data)
        except OSError as error:
            _log.warning("dialog_not_kept", reason=error.strerror)

    def _write_anew(self, path: Path) -> None:
        self.close()
        draft = path.with_suffix(".new")
        self._lines = len(self._held)
        try:
            draft.unlink(missing_ok=True)
            self._file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
            self._append(b"".join(_LINE.dump_json(line) + b"\n" for line in self._held.values()))
            draft.rename(path)
        except OSError as error:
            _log.warning("dialogs_not_kept", reason=error.strerror)


def _lines(path: Path) -> list[_Line]:
    """Those that can be read: the last may be half."""
    lines = []
    try:
        data = path.read_bytes()
    except OSError:
        return []
    for one in data.splitlines():
        try:
            lines.append(_LINE.validate_json(one))
        except ValidationError:
            _log.warning("kept_dialog_unreadable")
    return lines
