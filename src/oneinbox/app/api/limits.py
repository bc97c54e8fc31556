"""How many requests a key, a workspace or a source may make: counted in this process, told in RateLimit fields.

A window of a policy begins with a partition's first request and ends `seconds` later; what the fields say (draft
ietf-httpapi-ratelimit-headers, sections 3 and 4) is therefore exact: so many more until then, and all again after it.
Every API process counts for itself, and counts anew when it is started.
"""

import hashlib
import math
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv6Address, ip_address, ip_network

from oneinbox.features.context import Caller
from oneinbox.kit.clock import Clock
from oneinbox.kit.errors import TooManyRequests

MOST_PARTITIONS = 20_000
WORKSPACE_TIMES = 5
"""A workspace may ask as much as this many of its keys."""
MINUTE = 60
UNKNOWN = "unknown"
SIGN_IN_SECONDS = 900
SIGN_INS_OF_A_SOURCE = 20
SIGN_INS_TO_AN_ACCOUNT = 50


class RateLimited(TooManyRequests):
    """The window's requests are used up; the message names the policy."""

    code = "RATE_LIMITED"


@dataclass(frozen=True, slots=True)
class Policy:
    """So many requests in so many seconds."""

    name: str
    quota: int
    seconds: int


class Windows:
    """The running windows of one policy, by partition, in the order in which they began.

    Beyond MOST_PARTITIONS the oldest is forgotten.
    """

    def __init__(self, policy: Policy, clock: Clock) -> None:
        self.policy = policy
        self._clock = clock
        self._began_used: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._began_used)

    def left(self, partition: str) -> int:
        """How many more requests the window has."""
        return max(0, self.policy.quota - self._running(partition)[1])

    def resets_in(self, partition: str) -> int:
        """Seconds until all may be used again."""
        began, used = self._running(partition)
        return math.ceil(began + self.policy.seconds - self._clock.monotonic()) if used else self.policy.seconds

    def spend(self, partition: str, by: int = 1) -> None:
        """Count one request more, or with -1 take it back."""
        began, used = self._running(partition)
        if used == 0:
            self._began_used.pop(partition, None)
            self._make_room()
        self._began_used[partition] = (began, max(0, used + by))

    def _running(self, partition: str) -> tuple[float, int]:
        now = self._clock.monotonic()
        began, used = self._began_used.get(partition, (now, 0))
        return (began, used) if used and began + self.policy.seconds > now else (now, 0)

    def _make_room(self) -> None:
        """All windows are equally long: they end in the order in which they began."""
        ended = self._clock.monotonic() - self.policy.seconds
        while self._began_used:
            began = self._began_used[next(iter(self._began_used))][0]
            if began > ended and len(self._began_used) < MOST_PARTITIONS:
                return
            self._began_used.popitem(last=False)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every policy of a deployment; `per_minute` is a key's, 0 for no limits but those on signing in."""

    clock: Clock
    per_minute: int
    key: Windows = field(init=False)
    workspace: Windows = field(init=False)
    source: Windows = field(init=False)
    sign_in_source: Windows = field(init=False)
    sign_in_account: Windows = field(init=False)
    known: OrderedDict[bytes, tuple[str, str]] = field(init=False, default_factory=OrderedDict, repr=False)

    def __post_init__(self) -> None:
        for name, quota, seconds in (
            ("key", self.per_minute, MINUTE),
            ("workspace", self.per_minute * WORKSPACE_TIMES, MINUTE),
            ("source", self.per_minute, MINUTE),
            ("sign_in_source", SIGN_INS_OF_A_SOURCE, SIGN_IN_SECONDS),
            ("sign_in_account", SIGN_INS_TO_AN_ACCOUNT, SIGN_IN_SECONDS),
        ):
            object.__setattr__(self, name, Windows(Policy(name.replace("_", "-"), quota, seconds), self.clock))


class Ticket:
    """What one request is counted against.

    A credential that was good a moment ago is counted as such before anything is asked of the database; any other
    request is its source's until somebody has said whose it is.
    """

    def __init__(self, limits: Limits, source: str, authorization: str) -> None:
        self._limits = limits
        self._source = _network(source)
        bearer = authorization.lower().startswith("bearer ")
        self._digest = hashlib.sha256(authorization.encode()).digest() if bearer else None
        self._charged: list[tuple[Windows, str]] = []
        self.refusal: RateLimited | None = None
        known = limits.known.get(self._digest) if self._digest else None
        try:
            self._charge(self._of(known) if known else self._of_source())
        except RateLimited as refusal:
            self.refusal = refusal

    def belongs_to(self, caller: Caller) -> None:
        """The credential was good. Raises RateLimited."""
        mine = (caller.credential, caller.workspace_id)
        known = self._limits.known
        if self._digest is not None:
            if known.get(self._digest) == mine:
                return
            if len(known) >= MOST_PARTITIONS:
                known.popitem(last=False)
            known[self._digest] = mine
        self._take_back()
        self._charge(self._of(mine))

    def belongs_to_nobody(self) -> None:
        """The credential was not good, or is not any more. Raises RateLimited."""
        if self._digest is not None and self._limits.known.pop(self._digest, None) is not None:
            self._take_back()
            self._charge(self._of_source())

    def count(self, account: str | None = None) -> None:
        """One more attempt to get in. Raises RateLimited."""
        wanted = [(self._limits.sign_in_source, self._source)]
        if account is not None:
            wanted.append((self._limits.sign_in_account, account))
        self._charge(wanted)

    def forgive(self, account: str) -> None:
        """The attempt was right."""
        self._limits.sign_in_source.spend(self._source, -1)
        self._limits.sign_in_account.spend(account, -1)

    def fields(self) -> Iterator[tuple[str, str]]:
        """The RateLimit fields of the answer; none when nothing is limited."""
        if self._charged:
            policies = [(windows.policy, windows, partition) for windows, partition in self._charged]
            yield "RateLimit-Policy", ", ".join(f'"{p.name}";q={p.quota};w={p.seconds}' for p, _, _ in policies)
            yield "RateLimit", ", ".join(f'"{p.name}";r={w.left(at)};t={w.resets_in(at)}' for p, w, at in policies)

    def _of(self, whose: tuple[str, str]) -> list[tuple[Windows, str]]:
        credential, workspace_id = whose
        return self._limited([(self._limits.key, credential), (self._limits.workspace, workspace_id)])

    def _of_source(self) -> list[tuple[Windows, str]]:
        return self._limited([(self._limits.source, self._source)])

    def _limited(self, wanted: list[tuple[Windows, str]]) -> list[tuple[Windows, str]]:
        return wanted if self._limits.per_minute else []

    def _charge(self, wanted: list[tuple[Windows, str]]) -> None:
        """All of them or none; those that were refused are told in the fields too."""
        self._charged += wanted
        full = [(windows, partition) for windows, partition in wanted if not windows.left(partition)]
        if full:
            wait = max(windows.resets_in(partition) for windows, partition in full)
            names = " and ".join(f"{w.policy.name} ({w.policy.quota} in {w.policy.seconds} s)" for w, _ in full)
            raise RateLimited(f"Too many requests for this {names}: try again in {wait} s.", retry_after=wait)
        for windows, partition in wanted:
            windows.spend(partition)

    def _take_back(self) -> None:
        for windows, partition in self._charged:
            windows.spend(partition, -1)
        self._charged.clear()


def _network(source: str) -> str:
    """The address; of IPv6 the /64, since a single subscriber has all of it. What is no address is all one source."""
    try:
        address = ip_address(source)
    except ValueError:
        return UNKNOWN
    if not isinstance(address, IPv6Address):
        return source
    mapped = address.ipv4_mapped
    return str(mapped) if mapped else str(ip_network(f"{address}/64", strict=False).network_address)
