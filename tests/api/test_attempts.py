"""A number's attempts over HTTP."""

import pytest
from sqlalchemy import text

from oneinbox.contracts.admission import Attempt, Cause, InviteFacts
from oneinbox.features.attempts import service
from oneinbox.features.attempts.schemas import Reached
from oneinbox.kit.ids import new_id


@pytest.fixture
def deployed(deploy):
    return deploy()


def record(deployed, number, workspace_id, *causes):
    async def write():
        async with deployed.database.transaction() as session:
            for cause in causes:
                facts = InviteFacts("203.0.113.7", 5060, "15550100001", None, new_id())
                reached = Reached(number["phone_number"], number["id"], workspace_id)
                await service.record(session, Attempt(facts, 480, cause, "Because.", None, ("0 ms ← INVITE",)), reached)

    deployed.runner.run(write())


def workspace_of(deployed, number):
    async def look():
        async with deployed.database.transaction() as session:
            query = text("SELECT workspace_id FROM phone_numbers WHERE id = :id")
            return await session.scalar(query, {"id": number["id"]})

    return deployed.runner.run(look())


def test_a_numbers_attempts_come_newest_first(deployed):
    api = deployed.workspace("one")
    number = api.number()
    record(deployed, number, workspace_of(deployed, number), Cause.PAUSED, Cause.NO_AGENT, Cause.LIMIT)
    path = f"/v1/phone-numbers/{number['id']}/attempts"
    page = api("GET", f"{path}?limit=2").json()
    assert [one["cause"] for one in page["items"]] == ["limit", "no_agent"]
    assert (page["total"], page["limit"], page["offset"]) == (3, 2, 0)
    (last,) = api("GET", f"{path}?limit=2&offset=2").json()["items"]
    assert (last["cause"], last["source"], last["dialled"], last["ladder"]) == (
        "paused",
        "203.0.113.7:5060",
        "15550100001",
        ["0 ms ← INVITE"],
    )


def test_foreign_and_unknown_numbers_are_the_same_404(deployed):
    number = deployed.workspace("one").number()
    other = deployed.workspace("two")
    answers = [other("GET", f"/v1/phone-numbers/{phone_id}/attempts") for phone_id in (number["id"], new_id())]
    assert [answer.status_code for answer in answers] == [404, 404]
    assert len({answer.json()["code"] for answer in answers}) == 1
