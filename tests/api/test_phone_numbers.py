"""Registering, changing and releasing numbers over HTTP."""

import asyncio
import json
import uuid
from typing import Any

import pytest
from sqlalchemy import text
from tests.api.conftest import TRIO, Api, Deployed

from oneinbox.kit.db import Database

NUMBER = "+15550100001"


def registration(agent_id: str, number: str = NUMBER, **fields: Any) -> dict[str, Any]:
    return {"phone_number": number, "provider": "twilio", "agent_id": agent_id, "provider_config": TRIO} | fields


def rows(deployed: Deployed, table: str) -> int:
    async def count() -> int:
        async with deployed.database.transaction() as session:
            return int(await session.scalar(text(f"SELECT count(*) FROM {table}")) or 0)

    return deployed.runner.run(count())


def test_a_registered_number_has_its_trunks_and_its_rule(api: Api) -> None:
    agent_id = api.agent()
    number = api.number(agent_id=agent_id, friendly_name="Front desk")
    assert number["status"] == "active"
    assert number["agent_id"] == agent_id
    assert number["friendly_name"] == "Front desk"
    assert number["inbound_trunk_id"].startswith("ST_")
    assert number["outbound_trunk_id"].startswith("ST_")
    assert number["inbound_trunk_id"] != number["outbound_trunk_id"]
    assert number["dispatch_rule_id"].startswith("SDR_")
    assert number["sms_capable"] is None
    assert api("GET", f"/v1/phone-numbers/{number['id']}").json() == number
    assert api("GET", "/v1/phone-numbers").json()["items"] == [number]


@pytest.mark.parametrize("missing", ["trunk_address", "auth_username", "auth_password"])
def test_a_missing_sip_value_is_named_with_where_it_can_be_given(api: Api, deployed: Deployed, missing: str) -> None:
    config = {name: value for name, value in TRIO.items() if name != missing}
    response = api("POST", "/v1/phone-numbers", json=registration(api.agent(), provider_config=config))
    assert response.status_code == 400
    assert response.json()["code"] == "SIP_TRUNK_PROVISION_FAILED"
    variable = {"trunk_address": "TRUNK_ADDRESS", "auth_username": "SIP_USERNAME", "auth_password": "SIP_PASSWORD"}
    detail = response.json()["detail"]
    assert f"provider_config.{missing}" in detail
    assert f"TWILIO_{variable[missing]}" in detail
    assert not any(f"provider_config.{other}" in detail for other in TRIO if other != missing)
    assert rows(deployed, "phone_numbers") == 0


def test_sip_values_come_field_by_field_from_the_settings(deploy: Any) -> None:
    api = deploy(telnyx_trunk_address="sip.telnyx.com", telnyx_sip_password="from-the-server").workspace("default")
    config = {"auth_username": "mine"}
    body = registration(api.agent(), provider="telnyx", provider_config=config)
    assert api("POST", "/v1/phone-numbers", json=body).status_code == 201
    other = registration(api.agent(), "+15550100002", provider="twilio", provider_config=config)
    assert api("POST", "/v1/phone-numbers", json=other).json()["code"] == "SIP_TRUNK_PROVISION_FAILED"


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"phone_number": "15550100001"}, ["body", "phone_number"]),
        ({"phone_number": "+05550100001"}, ["body", "phone_number"]),
        ({"phone_number": "+1٥550100001"}, ["body", "phone_number"]),
        ({"phone_number": "+15550100001\n"}, ["body", "phone_number"]),
        ({"provider": "vonage"}, ["body", "provider"]),
        ({"agent_id": "front-desk"}, ["body", "agent_id"]),
        ({"friendly_name": "x" * 256}, ["body", "friendly_name"]),
        ({"friendly_name": 7}, ["body", "friendly_name"]),
        ({"inbound_routing": {}}, ["body", "inbound_routing", "agent_id"]),
        ({"provider_config": TRIO | {"trunk_address": "http://acme/"}}, ["body", "provider_config", "trunk_address"]),
        (
            {"provider_config": TRIO | {"allowed_addresses": ["203.0.113.0/24", "203.0.113.9/24"]}},
            ["body", "provider_config", "allowed_addresses", 1],
        ),
        *(
            (
                {"provider_config": TRIO | {"allowed_addresses": [wide]}},
                ["body", "provider_config", "allowed_addresses", 0],
            )
            for wide in ("0.0.0.0/0", "64.0.0.0/7", "::/0", "2000::/31")
        ),
        ({"provider_config": TRIO | {"inbound_username": "gate"}}, ["body", "provider_config", "inbound_password"]),
    ],
)
def test_a_wrong_value_is_told_with_its_place(tenant: Api, change: dict[str, Any], place: list[Any]) -> None:
    response = tenant("POST", "/v1/phone-numbers", json=registration(tenant.agent()) | change)
    assert response.status_code == 422
    assert place in [error["loc"] for error in response.json()["detail"]]
    assert TRIO["auth_password"] not in response.text


def test_a_network_that_is_no_carriers_is_refused_with_a_way_out(tenant: Api) -> None:
    body = registration(tenant.agent()) | {"provider_config": TRIO | {"allowed_addresses": ["0.0.0.0/0"]}}
    (error,) = tenant("POST", "/v1/phone-numbers", json=body).json()["detail"]
    assert error["type"] == "network_too_wide"
    assert "none of them wider than /8" in error["msg"]
    assert "inbound_username" in error["msg"]


@pytest.mark.parametrize("name", ["phone_number", "provider", "agent_id"])
def test_a_missing_field_is_told(tenant: Api, name: str) -> None:
    body = registration(tenant.agent())
    del body[name]
    response = tenant("POST", "/v1/phone-numbers", json=body)
    assert response.status_code == 422
    assert [error["loc"] for error in response.json()["detail"]] == [["body", name]]


def test_a_hundred_registrations_of_one_number_give_one(api: Api, deployed: Deployed) -> None:
    body = registration(api.agent())
    answers = api.at_once([("POST", "/v1/phone-numbers", body)] * 100)
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses == [201] + [409] * 99
    assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"PHONE_NUMBER_TAKEN"}
    for table, count in {"phone_numbers": 1, "inbound_trunks": 1, "outbound_trunks": 1, "dispatch_rules": 1}.items():
        assert rows(deployed, table) == count, table


def test_a_taken_number_names_its_id_only_to_its_owner(api: Api, deployed: Deployed) -> None:
    number = api.number()
    mine = api("POST", "/v1/phone-numbers", json=registration(api.agent()))
    other = deployed.workspace("other")
    theirs = other("POST", "/v1/phone-numbers", json=registration(other.agent()))
    assert (mine.status_code, theirs.status_code) == (409, 409)
    assert number["id"] in mine.json()["detail"]
    assert number["id"] not in theirs.text


@pytest.mark.parametrize("place", ["agent_id", "routing", "fallback"])
@pytest.mark.parametrize("whose", ["nobody", "other workspace", "deleted"])
def test_agents_that_are_not_there_are_a_404_alike(api: Api, deployed: Deployed, place: str, whose: str) -> None:
    agent_id = str(uuid.uuid4())
    if whose == "other workspace":
        agent_id = deployed.workspace("other").agent()
    elif whose == "deleted":
        agent_id = api.agent()
        assert api("DELETE", f"/v1/agents/{agent_id}").status_code == 204
    mine = api.agent()
    body = {
        "agent_id": registration(agent_id),
        "routing": registration(mine, inbound_routing={"agent_id": agent_id}),
        "fallback": registration(mine, inbound_routing={"agent_id": mine, "fallback": {"agent_id": agent_id}}),
    }[place]
    response = api("POST", "/v1/phone-numbers", json=body)
    assert response.status_code == 404
    assert response.json()["code"] == "AGENT_NOT_FOUND"
    assert response.json()["detail"] == f"There is no agent {agent_id} in this workspace."
    assert rows(deployed, "phone_numbers") == 0


def test_an_integration_that_is_not_there_is_a_404(tenant: Api) -> None:
    body = registration(tenant.agent(), credential_id=str(uuid.uuid4()))
    assert tenant("POST", "/v1/phone-numbers", json=body).json()["code"] == "INTEGRATION_NOT_FOUND"


def test_a_released_number_is_gone_and_free_again(api: Api, deployed: Deployed) -> None:
    number = api.number()
    assert api("DELETE", f"/v1/phone-numbers/{number['id']}").status_code == 204
    assert api("GET", f"/v1/phone-numbers/{number['id']}").json()["code"] == "PHONE_NUMBER_NOT_FOUND"
    assert api("DELETE", f"/v1/phone-numbers/{number['id']}").status_code == 404
    assert [rows(deployed, table) for table in ("inbound_trunks", "outbound_trunks", "dispatch_rules")] == [0, 0, 0]
    again = deployed.workspace("other").number(number["phone_number"])
    assert again["status"] == "active"


def test_routing_is_merged(api: Api) -> None:
    first, second, third = api.agent(), api.agent(), api.agent()
    routing = {"agent_id": second, "fallback": {"agent_id": third}, "voicemail_message": "Leave a message."}
    number = api.number(agent_id=first, inbound_routing=routing)
    path = f"/v1/phone-numbers/{number['id']}"

    def patch(**body: Any) -> Any:
        response = api("PATCH", path, json=body)
        assert response.status_code == 200, response.text
        return response.json()["inbound_routing"]

    assert number["inbound_routing"] == routing
    assert patch(inbound_routing={"voicemail_message": "We are closed."}) == routing | {
        "voicemail_message": "We are closed."
    }
    assert patch(inbound_routing={"agent_id": first})["fallback"] == {"agent_id": third}
    assert patch(inbound_routing={"fallback": None}) == {
        "agent_id": first,
        "fallback": None,
        "voicemail_message": "We are closed.",
    }
    assert patch(inbound_routing={"fallback": {"agent_id": None}})["fallback"] is None
    assert patch(friendly_name="Desk")["voicemail_message"] == "We are closed."
    assert patch(inbound_routing=None) is None
    assert patch(inbound_routing={"voicemail_message": "Hello"})["agent_id"] == first


def test_a_fallback_without_an_agent_is_none(api: Api) -> None:
    agent_id = api.agent()
    number = api.number(agent_id=agent_id, inbound_routing={"agent_id": agent_id, "fallback": {}})
    assert number["inbound_routing"]["fallback"] is None


def test_a_number_can_be_switched_off_and_on(api: Api) -> None:
    path = f"/v1/phone-numbers/{api.number()['id']}"
    assert api("PATCH", path, json={"status": "inactive"}).json()["status"] == "inactive"
    assert api("PATCH", path, json={"friendly_name": "Desk"}).json()["status"] == "inactive"
    assert api("PATCH", path, json={"status": "active"}).json()["status"] == "active"
    assert api("PATCH", path, json={"status": "failed"}).status_code == 422


def test_no_secret_is_anywhere(api: Api, deployed: Deployed, logged: Any) -> None:
    secrets = {"auth_password": "s3cr3t-outbound", "inbound_password": "s3cr3t-inbound", "api_token": "s3cr3t-extra"}
    config = TRIO | secrets | {"inbound_username": "gate"}
    agent_id = api.agent()
    said = [
        api("POST", "/v1/phone-numbers", json=registration(agent_id, provider_config=config)),
        api("POST", "/v1/phone-numbers", json=registration(agent_id, provider_config=config)),
        api("POST", "/v1/phone-numbers", json=registration(agent_id, "+1", provider_config=config)),
        api("POST", "/v1/phone-numbers", json=registration(agent_id, provider_config=config | {"auth_username": 5})),
        api("POST", "/v1/phone-numbers", json=registration("nobody", provider_config=config)),
        api("POST", "/v1/phone-numbers", content=json.dumps(config)[:-1], headers={"content-type": "application/json"}),
        api("GET", "/v1/phone-numbers"),
    ]
    assert [answer.status_code for answer in said] == [201, 409, 422, 422, 422, 422, 200]

    async def dump() -> str:
        async with deployed.database.transaction() as session:
            names = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            found = [str((await session.execute(text(f'SELECT * FROM "{name}"'))).all()) for name in names]
        return "\n".join(found)

    log = logged()
    assert log.count('"event": "request"') >= len(said)
    everything = [answer.text for answer in said] + [log, deployed.runner.run(dump())]
    for secret in secrets.values():
        assert not any(secret in place for place in everything), secret


def test_lists_are_newest_first_and_bounded(api: Api) -> None:
    agent_id = api.agent()
    made = [api.number(f"+1555010000{digit}", agent_id=agent_id)["id"] for digit in range(5)]
    page = api("GET", "/v1/phone-numbers", params={"limit": 2, "offset": 1}).json()
    assert [one["id"] for one in page["items"]] == [made[3], made[2]]
    assert (page["total"], page["limit"], page["offset"]) == (5, 2, 1)
    for wrong in ({"limit": 0}, {"limit": 101}, {"offset": -1}, {"limit": "many"}):
        assert api("GET", "/v1/phone-numbers", params=wrong).status_code == 422


def test_when_the_media_plane_fails_nothing_is_left(deployed: Deployed, api: Api, database_urls: Any) -> None:
    """The store of dispatch rules refuses: what was made before it is undone."""

    async def sabotage(statement: str) -> None:
        owner = Database(database_urls.owner)
        try:
            async with owner.transaction() as session:
                await session.execute(text(statement))
        finally:
            await owner.close()

    agent_id = api.agent()
    deployed.runner.run(sabotage("REVOKE INSERT ON dispatch_rules FROM oneinbox_app"))
    response = api("POST", "/v1/phone-numbers", json=registration(agent_id))
    assert (response.status_code, response.json()["code"]) == (502, "MEDIA_PLANE_UNAVAILABLE")
    assert [rows(deployed, table) for table in ("phone_numbers", "inbound_trunks", "outbound_trunks")] == [0, 0, 0]
    deployed.runner.run(sabotage("GRANT INSERT ON dispatch_rules TO oneinbox_app"))
    assert api("POST", "/v1/phone-numbers", json=registration(agent_id)).status_code == 201


def test_a_client_that_goes_away_leaves_no_half_number(deployed: Deployed, api: Api) -> None:
    body = registration(api.agent())

    async def leave() -> None:
        request = asyncio.create_task(api.send("POST", "/v1/phone-numbers", json=body))
        await asyncio.sleep(0.015)
        request.cancel()
        await asyncio.gather(request, return_exceptions=True)
        for _ in range(100):
            others = [t for t in asyncio.all_tasks() if t.get_name().startswith("register ")]
            if not others:
                return
            await asyncio.wait(others, timeout=0.1)

    deployed.runner.run(leave())
    numbers = api("GET", "/v1/phone-numbers").json()["items"]
    assert rows(deployed, "dispatch_rules") == len(numbers)
    assert all(number["status"] == "active" for number in numbers)
