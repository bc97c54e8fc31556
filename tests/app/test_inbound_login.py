"""Numbers with an inbound user name: whoever knows the password may call, wherever he is, and nobody else may."""

import asyncio
import hashlib

import pytest
from sqlalchemy import select
from tests.app.deployment import (
    NOW,
    NUMBER,
    SOURCES,
    AgentRow,
    FixedClock,
    NumberRow,
    add_agent,
    add_number,
    add_worker,
    facts,
)

from oneinbox.app.edge.admission import Admission
from oneinbox.contracts.admission import Admitted, Cause, Decision, Login, Refused
from oneinbox.contracts.media import InboundTrunk
from oneinbox.features.trunks import service as trunks
from oneinbox.features.trunks.models import InboundTrunkRow
from oneinbox.kit.db import Database
from oneinbox.kit.sealing import MasterKeys, Sealer

SEALER = Sealer(MasterKeys("k1", {"k1": b"m" * 32}))
STRANGER = "198.51.100.9"
OTHER = "+15551230000"


def hashed(*parts: str) -> str:
    return hashlib.sha256(":".join(parts).encode()).hexdigest()


def login(user: str = "carrier", password: str = "pässword", for_this: bool = True) -> Login:
    uri = f"sip:{NUMBER}@h"
    first, second = hashed(user, "oneinbox", password), hashed("INVITE", uri)
    response = hashed(first, "nonce", "00000001", "c", "auth", second)
    return Login(user, "SHA-256", "nonce", uri, "00000001", "c", response, "INVITE", for_this)


async def with_login(database: Database) -> None:
    async with database.transaction() as session:
        await add_worker(session)
        agent_id = await add_agent(session, AgentRow())
        await add_number(session, agent_id, NumberRow(inbound_username="carrier"))
        await add_number(session, agent_id, NumberRow(OTHER))
        trunk = (await session.scalars(select(InboundTrunkRow).where(InboundTrunkRow.number == NUMBER))).one()
        said = InboundTrunk(
            marker=trunk.marker,
            workspace_id=trunk.workspace_id,
            number=NUMBER,
            provider="telnyx",
            allowed_addresses=SOURCES,
            auth_username="carrier",
            auth_password="pässword",
        )
        await trunks.update_inbound(session, SEALER, trunk.id, said)


def decided(database: Database, dialled: str, source: str, proof: Login | None) -> Decision:
    async def scene() -> Decision:
        await with_login(database)
        return await Admission(database, FixedClock(NOW), b"t" * 32, (), SEALER).admit(facts(dialled, source), proof)

    return asyncio.run(scene())


@pytest.mark.parametrize("source", ["203.0.113.7", STRANGER])
@pytest.mark.parametrize("dialled", [NUMBER, NUMBER[1:], NUMBER[2:]])
def test_who_knows_the_password_is_let_in(database: Database, source: str, dialled: str) -> None:
    decision = decided(database, dialled, source, login())
    assert isinstance(decision, Admitted), decision


@pytest.mark.parametrize("source", ["203.0.113.7", STRANGER])
@pytest.mark.parametrize(
    ("proof", "cause", "unmatched"),
    [
        (None, Cause.CHALLENGED, None),
        (login(password="wrong"), Cause.WRONG_PASSWORD, "carrier"),
        (login(user="nobody"), Cause.WRONG_PASSWORD, "nobody"),
        (login(for_this=False), Cause.WRONG_PASSWORD, "carrier"),
    ],
)
def test_whoever_does_not_is_asked(
    database: Database, source: str, proof: Login | None, cause: Cause, unmatched: str | None
) -> None:
    decision = decided(database, NUMBER, source, proof)
    assert isinstance(decision, Refused)
    assert (decision.status, decision.cause, decision.unmatched) == (401, cause, unmatched)
    assert "pässword" not in decision.reason


@pytest.mark.parametrize("dialled", [OTHER, "+15559999999", "alice"])
def test_the_password_opens_no_other_number(database: Database, dialled: str) -> None:
    decision = decided(database, dialled, STRANGER, login())
    assert isinstance(decision, Refused)
    assert (decision.status, decision.cause) == (401, Cause.SOURCE_NOT_ALLOWED)


def test_a_number_without_login_needs_none(database: Database) -> None:
    assert isinstance(decided(database, OTHER, "203.0.113.7", None), Admitted)
