"""What the parts of the core share: actions asked for, deeds that are due later, and tables that forget."""

import heapq
from collections import OrderedDict
from collections.abc import Callable
from ipaddress import IPv6Address
from typing import Generic, TypeVar

from oneinbox.edge.actions import Action, Address, EdgeConfig, Send
from oneinbox.edge.fields import SIP_PORT, Via
from oneinbox.edge.outside import M, is_outside, outward, resized
from oneinbox.edge.rewriting import hostport
from oneinbox.edge.sdp import has_keys, without_keys
from oneinbox.edge.signing import Signer

K = TypeVar("K")
V = TypeVar("V")

Deed = Callable[[float], None]


class Agenda:
    """Collects the actions of one turn; keeps the deeds of later ones in order of time."""

    def __init__(self, config: EdgeConfig) -> None:
        self.config = config
        self.signer = Signer(config.route_key)
        self._actions: list[Action] = []
        self._deeds: list[tuple[float, int, Deed]] = []
        self._count = 0

    def __len__(self) -> int:
        return len(self._deeds)

    def face(self, peer: Address) -> Address:
        """What this peer knows us by."""
        host, port, _ = self.config.advertised
        outside = self.config.public if self.config.public and is_outside(peer.host) else host
        return Address(outside, self.config.tls_port if peer.transport == "tls" else port, peer.transport)

    def own_via(self, branch: str, peer: Address) -> str:
        """Our Via value in what is sent to this peer."""
        return f"SIP/2.0/{peer.transport.upper()} {hostport(self.face(peer))};branch={branch}"

    def outward(self, message: M, worker: Address, peer: Address, *, keys: bool) -> M:
        """What a worker says, as this peer is to read it; `keys`: has it asked for encryption?"""
        if not keys and has_keys(message.body):
            message = resized(message, without_keys(message.body))
        public = self.config.public
        if public is None or not is_outside(peer.host):
            return message
        return outward(message, worker.host, public, self.config.public_media or public)

    def is_ours(self, via: Via) -> bool:
        """Did we write this Via?"""
        names = {self.config.advertised.host.lower(), (self.config.public or "").lower()}
        ports = {self.config.advertised.port, self.config.tls_port}
        return via.host.lower() in names and (via.port or SIP_PORT) in ports

    def send(self, data: bytes, dest: Address, otherwise: Address | None = None) -> None:
        self._actions.append(Send(data, dest, otherwise))

    def act(self, action: Action) -> None:
        self._actions.append(action)

    def at(self, when: float, deed: Deed) -> None:
        """Do this then; deeds check for themselves whether they are still wanted."""
        self._count += 1
        heapq.heappush(self._deeds, (when, self._count, deed))

    def due(self) -> float | None:
        """When the next deed wants to be done."""
        return self._deeds[0][0] if self._deeds else None

    def run(self, now: float) -> None:
        """Do what is due."""
        while self._deeds and self._deeds[0][0] <= now:
            heapq.heappop(self._deeds)[2](now)

    def take(self) -> list[Action]:
        """The actions of this turn."""
        actions, self._actions = self._actions, []
        return actions


class Fading(Generic[K, V]):
    """A table whose entries go after `life` seconds without a `put`, and the oldest when there are more than `most`."""

    def __init__(self, life: float, most: int) -> None:
        self._life = life
        self._most = most
        self._entries: OrderedDict[K, tuple[float, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def put(self, key: K, value: V, now: float) -> None:
        """Store, or store anew, for a whole life."""
        self._entries[key] = (now + self._life, value)
        self._entries.move_to_end(key)
        while self._entries:
            oldest, (ends, _) = next(iter(self._entries.items()))
            if ends > now and len(self._entries) <= self._most:
                return
            del self._entries[oldest]

    def get(self, key: K, now: float) -> V | None:
        """The entry, while it lives."""
        entry = self._entries.get(key)
        return entry[1] if entry is not None and entry[0] > now else None

    def full(self, now: float) -> bool:
        """Would one more push out one that lives?"""
        if len(self._entries) < self._most:
            return False
        return next(iter(self._entries.values()))[0] > now

    def values(self, now: float) -> list[V]:
        """All that live."""
        return [value for ends, value in self._entries.values() if ends > now]

    def pop(self, key: K) -> None:
        self._entries.pop(key, None)


class Buckets:
    """A token bucket per source, of IPv6 per /64 (RFC 2697): strangers are heard a little, then no more."""

    def __init__(self, burst: float, per_second: float, most: int) -> None:
        self._burst = burst
        self._rate = per_second
        self._left: Fading[str, tuple[float, float]] = Fading(burst / per_second, most)

    def __len__(self) -> int:
        return len(self._left)

    def take(self, host: str, now: float) -> bool:
        """May this source be heard once more?"""
        key = str(int(IPv6Address(host)) >> 64) if ":" in host else host
        left, since = self._left.get(key, now) or (self._burst, now)
        left = min(self._burst, left + (now - since) * self._rate)
        if left < 1:
            return False  # what was stored goes on to say the same
        self._left.put(key, (left - 1, now), now)
        return True
