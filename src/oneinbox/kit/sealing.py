"""Secrets at rest: AES-256-GCM under master keys that are kept outside the database, bound to the place they are in."""

import base64
import binascii
import fcntl
import os
import secrets
import tempfile
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import compress
from pathlib import Path
from types import MappingProxyType

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from oneinbox.kit.errors import OneInboxError

KEY_BYTES = 32
NONCE_BYTES = 12
VERSION = 1
MOST_KID_BYTES = 64


class SealingError(OneInboxError):
    """Something sealed can't be opened here, or a master key is unusable; says nothing secret."""

    code = "SEALING_FAILED"


@dataclass(frozen=True, slots=True)
class MasterKeys:
    """Keys of 32 bytes by their id. The first one seals, every one opens."""

    newest: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def load_or_create(cls, path: Path, env_value: SecretStr | None) -> "MasterKeys":
        """The keys of `env_value` when given, else those of the file, which is made (mode 0600) when missing.

        Both are written `kid:base64[,kid:base64]`, newest first. Raises SealingError when they aren't, or when others
        may read the file.
        """
        if env_value is not None:
            return cls.parse(env_value.get_secret_value(), "ONEINBOX_MASTER_KEY")
        if not path.exists():
            _create(path)
        if path.stat().st_mode & 0o077:
            raise SealingError(f"{path} can be read by others. Make it private: chmod 600 {path}")
        return cls.parse(path.read_text(encoding="utf-8"), str(path))

    @classmethod
    def parse(cls, text: str, where: str) -> "MasterKeys":
        """Read `kid:base64[,kid:base64]`; `where` it stood is said in the SealingError when it's malformed."""
        pairs = [entry.strip().partition(":") for entry in text.split(",")]
        keys = {kid: _decode(encoded) for kid, _, encoded in pairs}
        well_formed = all(
            len(key) == KEY_BYTES and kid.isascii() and kid.isalnum() and len(kid) <= MOST_KID_BYTES
            for kid, key in keys.items()
        )
        if not well_formed or len(keys) != len(pairs):
            raise SealingError(
                f"{where} isn't a list of master keys. Right would be kid:base64[,kid:base64], newest first: "
                "each kid different, of letters and digits, each key 32 bytes"
            )
        return cls(newest=pairs[0][0], keys=MappingProxyType(keys))


class KeyFile:
    """The master keys of a file, read again whenever the file was replaced: running processes follow a rotation."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._keys = MasterKeys.load_or_create(path, None)

    def __call__(self) -> MasterKeys:
        """The keys as they stand in the file now; as they stood, while it can't be read."""
        try:
            found = self._path.stat()
        except OSError:
            return self._keys
        stamp = (found.st_ino, found.st_mtime_ns)
        if stamp != self._seen:
            self._keys = MasterKeys.load_or_create(self._path, None)
            self._seen = stamp
        return self._keys

    def add_newest(self) -> str:
        """Put a new key before those of the file, in one piece. Returns its kid."""
        kid = secrets.token_hex(4)
        fresh = f"{kid}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}"
        with _alone(self._path):
            _replace(self._path, ",".join([fresh, self._path.read_text(encoding="utf-8").strip()]))
        return kid

    def keep_only(self, kids: Collection[str]) -> None:
        """Drop every other key that is older: what they sealed can't be opened any more.

        Newer ones are another rotation's, which has begun meanwhile and seals under them.
        """
        with _alone(self._path):
            entries = [entry.strip() for entry in self._path.read_text(encoding="utf-8").split(",")]
            kept = [entry.partition(":")[0] in kids for entry in entries]
            newer = kept.index(True) if any(kept) else len(entries)
            _replace(self._path, ",".join([*entries[:newer], *compress(entries[newer:], kept[newer:])]))


class Sealer:
    """Seals texts into self-describing blobs: version, length of kid, kid, nonce, ciphertext.

    `master` gives the keys, or is them.
    """

    def __init__(self, master: MasterKeys | Callable[[], MasterKeys]) -> None:
        self._keys = master if callable(master) else lambda: master

    @property
    def newest(self) -> str:
        """The kid of what is sealed now."""
        return self._keys().newest

    def seal(self, text: str, *, workspace_id: str, row_id: str, field: str) -> bytes:
        """The text, readable only with a master key and only for the same workspace, row and field."""
        master = self._keys()
        kid = master.newest.encode()
        head = bytes([VERSION, len(kid)]) + kid
        nonce = secrets.token_bytes(NONCE_BYTES)
        cipher = AESGCM(master.keys[master.newest])
        return head + nonce + cipher.encrypt(nonce, text.encode(), _binding(head, workspace_id, row_id, field))

    def open(self, blob: bytes, *, workspace_id: str, row_id: str, field: str) -> str:
        """The text that was sealed for this place. Raises SealingError when changed, moved, or its key is gone."""
        if len(blob) < 2 or blob[0] != VERSION:
            raise SealingError("A sealed value has a form that this version doesn't know")
        head, rest = blob[: 2 + blob[1]], blob[2 + blob[1] :]
        key = self._keys().keys.get(kid_of(blob))
        if key is None:
            raise SealingError("A sealed value needs a master key that isn't among the configured ones")
        try:
            nonce, sealed = rest[:NONCE_BYTES], rest[NONCE_BYTES:]
            return AESGCM(key).decrypt(nonce, sealed, _binding(head, workspace_id, row_id, field)).decode()
        except (InvalidTag, ValueError):
            raise SealingError("A sealed value was changed, or isn't where it was sealed for") from None


def kid_of(blob: bytes) -> str:
    """The id of the master key that a blob was sealed under."""
    return blob[2 : 2 + blob[1]].decode("ascii", "replace")


def _binding(head: bytes, *place: str) -> bytes:
    parts = [head, *(part.encode() for part in place)]
    return b"".join(len(part).to_bytes(4, "big") + part for part in parts)


def _decode(encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        return b""


def _create(path: Path) -> None:
    """Write a new key; of several processes that do so at once, one wins and no half file is ever seen."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = _draft(path, f"{secrets.token_hex(4)}:{base64.b64encode(secrets.token_bytes(KEY_BYTES)).decode()}")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        os.unlink(draft)
    _sync_folder(path.parent)


def _replace(path: Path, line: str) -> None:
    os.rename(_draft(path, line), path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A name is on the disk once its folder is (fsync(2))."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While nobody else changes the file. The lock lies beside it, since the file itself is replaced (flock(2))."""
    descriptor = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _draft(path: Path, line: str) -> str:
    """A file beside `path`, of mode 0600, whole and on the disk."""
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(line + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft
