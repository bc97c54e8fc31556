"""Who is known to send us calls: the networks of all trunks and those that are trusted, kept up to date."""

import asyncio
from collections.abc import Iterable, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network

import structlog

from oneinbox.app.running import DATABASE_AWAY, wait_at_most
from oneinbox.features.trunks import service as trunks
from oneinbox.kit.db import Database

Network = IPv4Network | IPv6Network

POLL_SECONDS = 2.0
NARROW_PREFIX = {4: 16, 6: 48}
"""What is wider admits calls for its number, as strangers' calls."""

_log = structlog.get_logger(__name__)


@lru_cache(maxsize=65_536)
def network(cidr: str) -> Network:
    """The network that a trunk's allowed address stands for; host bits may be set."""
    return ip_network(cidr, strict=False)


def trusts(one: Network) -> bool:
    """Does a number's network make all in it known sources? A wide one would make everybody known, for all numbers."""
    return one.prefixlen >= NARROW_PREFIX[one.version] or one.is_private


def contains(networks: Iterable[Network], host: str) -> bool:
    """Is this numeric host in one of the networks?"""
    address = ip_address(host)
    return any(address in one for one in networks)


class Index:
    """Networks by the length of their prefixes: an address is found with one look for each length.

    `host in index` wants a numeric host.
    """

    def __init__(self, networks: Iterable[Network]) -> None:
        self._by_shift: dict[int, dict[int, set[int]]] = {4: {}, 6: {}}
        for one in networks:
            shift = one.max_prefixlen - one.prefixlen
            self._by_shift[one.version].setdefault(shift, set()).add(int(one.network_address) >> shift)

    def __contains__(self, host: str) -> bool:
        address = ip_address(host)
        number = int(address)
        return any(number >> shift in found for shift, found in self._by_shift[address.version].items())


class KnownSources:
    """All networks that may get more than a 403; calling it gives the same object until they change."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._cidrs: tuple[str, ...] = ()
        self._networks = self._admitted = self._trusted
        self._logins = False
        self._stale = asyncio.Event()

    def __call__(self) -> Sequence[Network]:
        return self._networks

    def admitted(self) -> Sequence[Network]:
        """Those, and the ones from which strangers may call some number; the same object until they change."""
        return self._admitted

    def logins(self) -> bool:
        """Has some number an inbound user name, so that strangers may prove who they are?"""
        return self._logins

    def expire(self) -> None:
        """A trunk has changed: read them anew at once."""
        self._stale.set()

    async def refresh(self, database: Database) -> None:
        """Read the trunks' networks once."""
        async with database.transaction() as session:
            cidrs = tuple(sorted(await trunks.all_sources(session)))
            self._logins = await trunks.any_login(session)
        if cidrs != self._cidrs:
            self._cidrs = cidrs
            self._admitted = (*self._trusted, *map(network, cidrs))
            self._networks = (*self._trusted, *filter(trusts, map(network, cidrs)))
            _log.info("sources_changed", networks=len(self._networks))

    async def follow(self, database: Database) -> None:
        """Keep them up to date for ever; while the database is away the last ones stay."""
        while True:
            try:
                await self.refresh(database)
            except DATABASE_AWAY as error:
                _log.warning("sources_not_read", reason=type(error).__name__)
            await wait_at_most(self._stale, POLL_SECONDS)
