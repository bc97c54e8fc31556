"""How a secret looks when it leaks: as it is, encoded, or as a hash that gives it away to whoever guesses."""

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping
from urllib.parse import quote, quote_plus

SHORTEST = 8
URL_SAFE = bytes.maketrans(b"+/", b"-_")


def forms(secret: str, *, username: str = "", realms: tuple[str, ...] = ("oneinbox",)) -> dict[str, bytes]:
    """Every form of the secret that is looked for, by its name."""
    raw = secret.encode()
    found = {
        "raw": raw,
        "url": quote(secret, safe="").encode(),
        "url+": quote_plus(secret).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "sha256": hashlib.sha256(raw).hexdigest().encode(),
        "sha256 raw": hashlib.sha256(raw).digest(),
        "utf-16": secret.encode("utf-16-le"),
        "repr": repr(secret)[1:-1].encode(),
    }
    found |= {f"base64+{shift}": form for shift, form in enumerate(_base64(raw))}
    found |= {f"base64url+{shift}": form.translate(URL_SAFE) for shift, form in enumerate(_base64(raw))}
    found["sha256 base64"] = base64.b64encode(hashlib.sha256(raw).digest()).rstrip(b"=")
    for realm in realms:
        said = f"{username}:{realm}:{secret}".encode()
        found[f"ha1 md5 {realm}"] = hashlib.md5(said).hexdigest().encode()
        found[f"ha1 sha256 {realm}"] = hashlib.sha256(said).hexdigest().encode()
    return {name: form for name, form in found.items() if len(form) >= SHORTEST}


def search(artefacts: Mapping[str, bytes], secrets: Mapping[str, Mapping[str, bytes]]) -> list[str]:
    """Where which secret was found in which form, e.g. `log: auth_password as base64+0`."""
    return [
        f"{place}: {name} as {form}"
        for place, content in artefacts.items()
        for name, looks in secrets.items()
        for form, bytes_ in looks.items()
        if bytes_ in content
    ]


def _base64(raw: bytes) -> Iterator[bytes]:
    """The part that is the same whatever stands before and behind, for each of three alignments."""
    for shift in range(3):
        encoded = base64.b64encode(bytes(shift) + raw)
        first = (shift * 8 + 5) // 6
        whole = (shift + len(raw)) * 8 // 6
        yield encoded[first:whole]
