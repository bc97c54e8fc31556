"""Leaks, where the product would make them: the self-test that the search sees every kind of artefact."""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from tests.canaries.planted import USERNAME
from tests.canaries.planting import Planted

RAISES = """
import sys, structlog
from oneinbox.kit import logs

logs.configure("debug", "api")
try:
    raise RuntimeError(sys.argv[1])
except RuntimeError as error:
    structlog.get_logger().error("request_failed", exc_info=error)
"""


@dataclass(frozen=True)
class Kind:
    """A kind of artefact: how it leaks, where it is to be found, and what it can hold."""

    leak: Callable[[Planted, Sequence[bytes]], AbstractContextManager[None]]
    place: str
    holds: Callable[[bytes], bool] = bool
    """Whether something can stand there at all: a column of text holds no bytes that are no text."""


def is_text(content: bytes) -> bool:
    """Without NUL, valid UTF-8."""
    with suppress(UnicodeDecodeError):
        return "\0" not in content.decode()
    return False


def is_name(content: bytes) -> bool:
    """What a file may be called."""
    return b"/" not in content and b"\0" not in content and len(content) < 200


@contextmanager
def in_answer(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    product.answers.append(b" ".join(leaks).decode("utf-8", "surrogateescape"))
    yield
    product.answers.pop()


@contextmanager
def in_output(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    product.said.append(b" ".join(leaks).decode("utf-8", "surrogateescape"))
    yield
    product.said.pop()


@contextmanager
def in_log(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    """The log is what every process writes to stderr."""
    with appended(product.log, b" ".join(leaks)):
        yield


@contextmanager
def in_exception(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    """An exception's text, as a process of ours logs it."""
    command = [sys.executable, "-c", RAISES, os.fsdecode(b" ".join(leaks))]
    said = subprocess.run(command, capture_output=True, timeout=60, check=True).stderr
    assert b'"exc_value"' in said
    with appended(product.log, said):
        yield


@contextmanager
def in_keepsake(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    with appended(product.kept(), b" ".join(leaks)):
        yield


@contextmanager
def in_column(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    product.sql("CREATE TABLE leaks (leak bytea)")
    product.sql("INSERT INTO leaks VALUES (%s)", b" ".join(leaks))
    yield
    product.sql("DROP TABLE leaks")


@contextmanager
def in_ladder(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    """One more step of an attempt that is there."""
    one = "(SELECT id FROM attempts ORDER BY id LIMIT 1)"
    product.sql(f"CREATE TABLE kept AS SELECT id, ladder FROM attempts WHERE id = {one}")
    step = json.dumps([b" ".join(leaks).decode()], ensure_ascii=False)
    product.sql(f"UPDATE attempts SET ladder = ladder || %s::jsonb WHERE id = {one}", step)
    yield
    product.sql("UPDATE attempts a SET ladder = kept.ladder FROM kept WHERE kept.id = a.id")
    product.sql("DROP TABLE kept")


@contextmanager
def in_tag(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    """A recording with a comment (RFC 7845, section 5.2)."""
    with beside(product, b"tagged.ogg") as path:
        with av.open(str(path), "w", format="ogg") as container:
            stream = container.add_stream("libopus", rate=48000)
            container.metadata["comment"] = b" ".join(leaks).decode()
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 960), np.int16), format="s16", layout="mono")
            silence.sample_rate = 48000
            for frame in (silence, None):
                container.mux(stream.encode(frame))
        yield


@contextmanager
def in_name(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    with ExitStack() as files:
        for name in leaks:
            files.enter_context(beside(product, name)).touch()
        yield


@contextmanager
def in_sidecar(product: Planted, leaks: Sequence[bytes]) -> Iterator[None]:
    with beside(product, b"call.json") as path:
        path.write_bytes(b" ".join(leaks))
        yield


@contextmanager
def appended(path: Path, content: bytes) -> Iterator[None]:
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(content)
    yield
    os.truncate(path, size)


@contextmanager
def beside(product: Planted, name: bytes) -> Iterator[Path]:
    """A file of that name where the recordings lie."""
    path = product.recordings()[0].parent / os.fsdecode(name)
    yield path
    path.unlink(missing_ok=True)


KINDS: Mapping[str, Kind] = {
    "answer": Kind(in_answer, "answers"),
    "output of a command": Kind(in_output, "output"),
    "log": Kind(in_log, "log"),
    "text of an exception": Kind(in_exception, "log", is_text),
    "column": Kind(in_column, "dump"),
    "ladder": Kind(in_ladder, "dump", is_text),
    "keepsake of the edge": Kind(in_keepsake, "file edge-"),
    "tag of a recording": Kind(in_tag, "file recordings/", is_text),
    "file name": Kind(in_name, "names", is_name),
    "file beside a recording": Kind(in_sidecar, "file recordings/"),
}


def leaked(secret: str, form: str) -> bytes:
    """The secret as a leak would write it, made apart from the search."""
    raw = secret.encode()
    if form.startswith("base64"):
        encode = base64.urlsafe_b64encode if "url" in form else base64.b64encode
        return encode(b"x" * int(form[-1]) + raw + b"tail")
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
        "sha256 base64": base64.b64encode(hashlib.sha256(raw).digest()),
        "utf-16": secret.encode("utf-16-le"),
    }[form]
