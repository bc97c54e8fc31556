"""Calls over HTTP: lists, one call, stopping, and recordings behind signed links."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import text
from tests.api.conftest import Api, Deployed

from oneinbox.kit.ids import new_id
from oneinbox.kit.signing import URL_SIGNING, deployment_key, sign


def add_call(deployed: Deployed, number: dict[str, Any], status: str = "completed", **more: Any) -> str:
    """A call as the voice worker leaves it."""
    call_id = new_id()
    row = {
        "id": call_id,
        "agent_id": number["agent_id"],
        "phone_id": number["id"],
        "type": "inbound",
        "status": status,
        "direction": "inbound",
        "to_number": number["phone_number"],
        "plan": "{}",
    } | more

    async def write() -> None:
        async with deployed.database.transaction() as session:
            workspace = await session.scalar(
                text("SELECT workspace_id FROM phone_numbers WHERE id = :id"), {"id": number["id"]}
            )
            names, places = ", ".join(row), ", ".join(f":{name}" for name in row)
            statement = text(f"INSERT INTO calls (workspace_id, {names}) VALUES (:workspace, {places})")
            await session.execute(statement, row | {"workspace": workspace})

    deployed.runner.run(write())
    return call_id


def record(deployed: Deployed, number: dict[str, Any], content: bytes) -> str:
    path = deployed.settings.recordings_dir / "w" / "one.ogg"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return add_call(deployed, number, recording_path="w/one.ogg")


def test_lists_can_be_filtered(api: Api, deployed: Deployed) -> None:
    first, second = api.number("+15550100001"), api.number("+15550100002")
    done, live = add_call(deployed, first), add_call(deployed, second, "in_progress")
    assert api("GET", "/v1/calls").json()["total"] == 2
    by_agent = api("GET", "/v1/calls", params={"agent_id": second["agent_id"]}).json()
    assert [call["id"] for call in by_agent["items"]] == [live]
    by_status = api("GET", "/v1/calls", params={"status": "completed"}).json()
    assert [call["id"] for call in by_status["items"]] == [done]
    assert api("GET", "/v1/calls", params={"status": "ringing"}).status_code == 422


def test_pages_by_cursor_miss_and_repeat_nothing_while_calls_come_in(api: Api, deployed: Deployed) -> None:
    number = api.number()
    before = [add_call(deployed, number) for _ in range(7)]
    seen: list[str] = []
    given: dict[str, Any] = {"limit": 3}
    for size, more in ((3, True), (3, True), (1, False)):
        page = api("GET", "/v1/calls/cursor", params=given).json()
        assert (len(page["items"]), page["has_more"], page["limit"]) == (size, more, 3)
        seen += [call["id"] for call in page["items"]]
        given["cursor"] = page["next_cursor"]
        add_call(deployed, number)
    assert seen == before[::-1]
    assert given["cursor"] is None


def test_pages_by_cursor_can_be_filtered(api: Api, deployed: Deployed) -> None:
    first, second = api.number("+15550100001"), api.number("+15550100002")
    done = [add_call(deployed, first) for _ in range(3)]
    live = add_call(deployed, second, "in_progress")
    given = {"agent_id": first["agent_id"], "status": "completed", "limit": 2}
    page = api("GET", "/v1/calls/cursor", params=given).json()
    rest = api("GET", "/v1/calls/cursor", params=given | {"cursor": page["next_cursor"]}).json()
    assert [call["id"] for call in page["items"] + rest["items"]] == done[::-1]
    by_status = api("GET", "/v1/calls/cursor", params={"status": "in_progress"}).json()
    assert [call["id"] for call in by_status["items"]] == [live]
    assert api("GET", "/v1/calls/cursor", params={"status": "ringing"}).status_code == 422


@pytest.mark.parametrize("how", ["foreign", "changed", "garbage", "an id", "nul"])
def test_a_cursor_that_this_list_did_not_give_is_refused(api: Api, deployed: Deployed, how: str) -> None:
    number = api.number()
    calls = [add_call(deployed, number) for _ in range(2)]
    cursor = api("GET", "/v1/calls/cursor", params={"limit": 1}).json()["next_cursor"]
    asking = deployed.workspace("other") if how == "foreign" else api
    wrong = {"foreign": cursor, "changed": cursor[:-1] + "~", "garbage": "é", "an id": calls[0], "nul": "\0."}
    answer = asking("GET", "/v1/calls/cursor", params={"cursor": wrong[how]})
    assert (answer.status_code, answer.json()["code"]) == (400, "CURSOR_INVALID")


def test_a_call_shows_its_messages_as_a_transcript_too(api: Api, deployed: Deployed) -> None:
    messages = [
        {"role": "agent", "content": "Hello.", "start_ms": 0, "end_ms": 500, "interrupted": False},
        {"role": "user", "content": "Hi.", "start_ms": 900, "end_ms": 1200, "interrupted": False},
    ]
    call_id = add_call(deployed, api.number(), messages=json.dumps(messages))
    call = api("GET", f"/v1/calls/{call_id}").json()
    assert call["messages"] == messages
    assert call["transcript"] == "agent: Hello.\nuser: Hi."
    assert call["recording_url"] is None


def test_stopping_a_call_that_has_ended_changes_nothing(api: Api, deployed: Deployed) -> None:
    call_id = add_call(deployed, api.number())
    before = api("GET", f"/v1/calls/{call_id}").json()
    assert api("POST", f"/v1/calls/{call_id}/stop").json() == before


def test_the_recording_is_behind_its_link_and_nowhere_else(api: Api, deployed: Deployed) -> None:
    call_id = record(deployed, api.number(), b"OggS" + bytes(996))
    link = urlsplit(api("GET", f"/v1/calls/{call_id}").json()["recording_url"])
    anybody = deployed.stranger()
    answer = anybody("GET", f"{link.path}?{link.query}")
    assert (answer.status_code, answer.headers["content-type"], len(answer.content)) == (200, "audio/ogg", 1000)
    part = anybody("GET", f"{link.path}?{link.query}", headers={"Range": "bytes=0-3"})
    assert (part.status_code, part.content) == (206, b"OggS")


@pytest.mark.parametrize("how", ["signature", "expiry", "call", "old", "none"])
def test_a_link_that_was_not_made_here_is_refused(api: Api, deployed: Deployed, how: str) -> None:
    number = api.number()
    call_id, other = record(deployed, number, b"OggS"), record(deployed, number, b"OggS")
    query = parse_qs(urlsplit(api("GET", f"/v1/calls/{call_id}").json()["recording_url"]).query)
    given = {name: values[0] for name, values in query.items()}
    expected = (403, "RECORDING_LINK_INVALID")
    if how == "signature":
        given["signature"] = given["signature"][:-1] + ("0" if given["signature"][-1] != "0" else "1")
    elif how == "expiry":
        given["expires"] = str(int(given["expires"]) + 1)
    elif how == "call":
        call_id = other
    elif how == "old":
        given = signed(deployed, call_id, datetime.now(UTC) - timedelta(seconds=5))
        expected = (410, "RECORDING_LINK_EXPIRED")
    else:
        given = {}
    answer = deployed.stranger()("GET", f"/v1/calls/{call_id}/recording", params=given)
    if how == "none":
        assert answer.status_code == 422
    else:
        assert (answer.status_code, answer.json()["code"]) == expected


def test_a_recording_whose_file_is_gone_is_a_404(api: Api, deployed: Deployed) -> None:
    call_id = record(deployed, api.number(), b"OggS")
    (Path(deployed.settings.recordings_dir) / "w" / "one.ogg").unlink()
    given = signed(deployed, call_id, datetime.now(UTC) + timedelta(hours=1))
    answer = deployed.stranger()("GET", f"/v1/calls/{call_id}/recording", params=given)
    assert (answer.status_code, answer.json()["code"]) == (404, "RECORDING_NOT_FOUND")


def signed(deployed: Deployed, call_id: str, until: datetime) -> dict[str, str]:
    async def key() -> bytes:
        async with deployed.database.transaction() as session:
            return await deployment_key(session, deployed.sealer, URL_SIGNING)

    expires = str(int(until.timestamp()))
    return {"expires": expires, "signature": sign(deployed.runner.run(key()), "recording", call_id, expires)}
