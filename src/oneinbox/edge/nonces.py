"""Nonces that need no memory until they are used: signed for one source and a short while, good for one INVITE."""

import hmac

from oneinbox.edge.agenda import Fading

LIFE_SECONDS = 30.0
_MOMENT, _COUNTER, _MAC = 12, 12, 32
_LETTERS = _MOMENT + _COUNTER + _MAC


class Nonces:
    """Signed with a key that lives as long as the process, so that its nonces end with the memory of their use."""

    def __init__(self, key: bytes, most: int) -> None:
        self._key = key
        self._most = most
        self._made = 0
        self._used: Fading[str, bool] = Fading(LIFE_SECONDS, most)

    def __len__(self) -> int:
        return len(self._used)

    def new(self, host: str, now: float) -> str:
        """A nonce for this source; nothing of it is kept."""
        self._made = (self._made + 1) % 16**_COUNTER
        body = f"{int(now * 1000):0{_MOMENT}x}{self._made:0{_COUNTER}x}"
        return body + self._mac(body, host)

    def take(self, nonce: str, host: str, now: float) -> bool:
        """Use it up: True once for each that was made here for this source a moment ago."""
        body, mac = nonce[: _MOMENT + _COUNTER], nonce[_MOMENT + _COUNTER :]
        true = hmac.compare_digest(self._mac(body, host).encode(), mac.encode("latin-1", "replace"))
        if len(nonce) != _LETTERS or not true:
            return False
        age = now - int(body[:_MOMENT], 16) / 1000
        if not 0 <= age + 0.001 <= LIFE_SECONDS or self._used.get(nonce, now) is not None:
            return False
        if self._used.full(now):
            return False
        self._used.put(nonce, True, now)
        return True

    def give_back(self, nonce: str) -> None:
        """It proved nothing: whoever says the same again proves nothing again, so its use need not be remembered."""
        self._used.pop(nonce)

    def _mac(self, body: str, host: str) -> str:
        said = f"{body} {host}".encode("latin-1", "replace")
        return hmac.digest(self._key, said, "sha256").hex()[:_MAC]
