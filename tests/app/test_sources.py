"""Who may send us calls, as the edge knows it while trunks come and go."""

import asyncio
from ipaddress import ip_network

import pytest
from sqlalchemy import delete
from tests.app.deployment import AgentRow, NumberRow, add_agent, add_number

from oneinbox.app.edge.sources import Index, KnownSources, contains, network
from oneinbox.app.running import listen
from oneinbox.features.trunks import service as trunks
from oneinbox.features.trunks.models import DispatchRuleRow, InboundTrunkRow
from oneinbox.kit.db import Database, notify

TRUSTED = (ip_network("127.0.0.1/32"),)


@pytest.mark.parametrize(
    ("cidr", "host", "inside"),
    [
        ("203.0.113.0/24", "203.0.113.255", True),
        ("203.0.113.9/24", "203.0.113.1", True),
        ("203.0.113.9", "203.0.113.9", True),
        ("203.0.113.0/24", "203.0.114.0", False),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "203.0.113.1", False),
    ],
)
def test_an_address_is_in_a_network_or_not(cidr: str, host: str, inside: bool) -> None:
    assert contains([network(cidr)], host) is inside
    assert (host in Index([network(cidr)])) is inside


@pytest.mark.parametrize(("host", "inside"), [("192.0.2.7", True), ("10.1.2.4", False), ("::1", True), ("::2", False)])
def test_an_index_of_many_networks_finds_what_one_of_them_contains(host: str, inside: bool) -> None:
    assert (host in Index(map(network, ("192.0.2.0/24", "10.1.2.3", "2001:db8::/32", "::1")))) is inside
    assert host in Index(map(network, ("0.0.0.0/0", "::/0")))
    assert host not in Index([])


def test_the_networks_are_the_same_object_until_a_trunk_changes(database: Database) -> None:
    async def scene() -> None:
        sources = KnownSources(TRUSTED)
        await sources.refresh(database)
        empty = sources()
        assert tuple(empty) == TRUSTED
        async with database.transaction() as session:
            agent = await add_agent(session, AgentRow())
            await add_number(session, agent, NumberRow(sources=("203.0.113.0/24", "198.51.100.7/32")))
        await sources.refresh(database)
        one = sources()
        assert set(one) == {*TRUSTED, ip_network("203.0.113.0/24"), ip_network("198.51.100.7/32")}
        async with database.transaction() as session:
            await add_number(session, agent, NumberRow("+15550000009", sources=("203.0.113.0/24",)))
        await sources.refresh(database)
        assert sources() is one, "answers are cached by it"
        async with database.transaction() as session:
            await session.execute(delete(DispatchRuleRow))
            await session.execute(delete(InboundTrunkRow))
        await sources.refresh(database)
        assert tuple(sources()) == TRUSTED

    asyncio.run(scene())


@pytest.mark.parametrize(
    ("cidr", "known"),
    [
        ("0.0.0.0/0", False),
        ("198.0.0.0/15", False),
        ("198.51.0.0/16", True),
        ("10.0.0.0/8", True),
        ("::/0", False),
        ("2a00::/47", False),
        ("2a00::/48", True),
    ],
)
def test_wide_networks_make_nobody_known_whom_they_admit(database: Database, cidr: str, known: bool) -> None:
    async def scene() -> bool:
        async with database.transaction() as session:
            await add_number(session, await add_agent(session, AgentRow()), NumberRow(sources=(cidr,)))
        sources = KnownSources(TRUSTED)
        await sources.refresh(database)
        assert ip_network(cidr) in sources.admitted()
        return ip_network(cidr) in sources()

    assert asyncio.run(scene()) is known


def test_a_new_trunk_is_known_as_soon_as_it_is_announced(database: Database) -> None:
    async def scene() -> bool:
        sources = KnownSources(TRUSTED)
        tasks = [
            asyncio.create_task(sources.follow(database)),
            asyncio.create_task(listen(database, trunks.CHANNEL, lambda trunk_id: sources.expire())),
        ]
        try:
            async with database.transaction() as session:
                await add_number(session, await add_agent(session, AgentRow()))
                await notify(session, trunks.CHANNEL, "ST_new")
            for _ in range(200):
                if contains(sources(), "203.0.113.7"):
                    return True
                await asyncio.sleep(0.05)
            return False
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    assert asyncio.run(scene())
