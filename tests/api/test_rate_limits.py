"""Limits on requests over HTTP: what the RateLimit fields promise is what happens."""

import re
from collections.abc import Callable

import httpx
import pytest
from tests.api.conftest import Api, Deployed, Hands
from tests.api.test_keys import made, queries

from oneinbox.app.api.limits import MOST_PARTITIONS, Policy, Windows
from oneinbox.kit.signing import new_api_key

ITEM = re.compile(r'"(?P<name>[a-z-]+)"(?P<parameters>(?:;[a-z]+=\d+)+)')


def told(response: httpx.Response) -> dict[str, dict[str, int]]:
    """Both fields, read as lists of strings with integer parameters (RFC 9651), by the policy's name."""
    found: dict[str, dict[str, int]] = {}
    for field in ("ratelimit-policy", "ratelimit"):
        for item in response.headers[field].split(", "):
            match = ITEM.fullmatch(item)
            assert match is not None, item
            pairs = (pair.split("=") for pair in match["parameters"].strip(";").split(";"))
            found.setdefault(match["name"], {}).update({name: int(value) for name, value in pairs})
    return found


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def limited(deploy: Callable[..., Deployed], clock: Hands) -> Deployed:
    """A deployment where a key has ten requests a minute."""
    return deploy(rate_limit=10, clock=clock)


def test_what_is_left_is_left_and_no_more(limited: Deployed, clock: Hands) -> None:
    api = limited.workspace("default")
    first = told(api("GET", "/v1/agents"))
    assert first["key"] == {"q": 10, "w": 60, "r": 9, "t": 60}
    assert first["workspace"] == {"q": 50, "w": 60, "r": 49, "t": 60}
    clock.passed += 20.5
    for left in range(8, -1, -1):
        answer = api("GET", "/v1/agents")
        assert answer.status_code == 200
        assert told(answer)["key"] == {"q": 10, "w": 60, "r": left, "t": 40}
    with queries(limited.database) as asked:
        refused = api("GET", "/v1/agents")
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert told(refused)["key"]["r"] == 0
    assert int(refused.headers["retry-after"]) == told(refused)["key"]["t"] == 40
    assert asked == [], "nothing is asked of the database for a request that is refused"
    clock.passed += 39
    assert api("GET", "/v1/agents").status_code == 429
    clock.passed += 1
    assert told(api("GET", "/v1/agents"))["key"] == {"q": 10, "w": 60, "r": 9, "t": 60}


def test_each_key_and_each_workspace_counts_for_itself(limited: Deployed) -> None:
    ours, theirs = limited.workspace("default"), limited.workspace("other")
    keys = [made(ours, limited)[0] for _ in range(6)]
    for number, key in enumerate(keys):
        for _ in range(10):
            status = key("GET", "/v1/agents").status_code
        assert status == (200 if number < 4 else 429), "six keys of creation and four of ten requests are the 50"
    refused = keys[5]("GET", "/v1/agents")
    assert told(refused)["workspace"]["r"] == 0
    assert "workspace" in refused.json()["detail"]
    assert theirs("GET", "/v1/agents").status_code == 200


def test_strangers_are_counted_by_their_source(limited: Deployed) -> None:
    api = limited.workspace("default")
    noisy, other = limited.stranger("192.0.2.1"), limited.stranger("192.0.2.2")
    wrong = Api(limited.runner, limited.app, new_api_key(), "192.0.2.1")
    for _ in range(5):
        assert noisy("GET", "/v1/health").status_code == 200
        assert wrong("GET", "/v1/agents").status_code == 401
    with queries(limited.database) as asked:
        assert noisy("GET", "/v1/nothing").status_code == 429
        assert wrong("GET", "/v1/agents").status_code == 429
        another = Api(limited.runner, limited.app, new_api_key(), "192.0.2.1")
        assert another("GET", "/v1/agents").status_code == 429
    assert asked == []
    assert told(other("GET", "/v1/health"))["source"] == {"q": 10, "w": 60, "r": 9, "t": 60}
    assert api("GET", "/v1/agents").status_code == 200


def test_whoever_was_let_in_before_is_not_held_up_by_neighbours(limited: Deployed) -> None:
    api = limited.workspace("default")
    assert api("GET", "/v1/agents").status_code == 200
    noisy = limited.stranger()
    while noisy("GET", "/v1/health").status_code == 200:
        pass
    assert api("GET", "/v1/agents").status_code == 200


def test_whoever_is_let_in_does_not_count_against_their_source(limited: Deployed) -> None:
    for number in range(12):
        answer = limited.workspace(f"tenant {number}")("GET", "/v1/agents")
        assert (answer.status_code, list(told(answer))) == (200, ["key", "workspace"])
    assert told(limited.stranger()("GET", "/v1/health"))["source"]["r"] == 9


def test_a_key_that_is_revoked_is_counted_as_a_stranger(limited: Deployed) -> None:
    api = limited.workspace("default")
    client, shown = made(api, limited)
    assert "key" in told(client("GET", "/v1/agents"))
    assert api("DELETE", f"/v1/api-keys/{shown['id']}").status_code == 204
    refused = client("GET", "/v1/agents")
    assert (refused.status_code, list(told(refused))) == (401, ["source"])


@pytest.mark.parametrize(
    ("first", "second", "together"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::1", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
    ],
)
def test_a_subscriber_is_one_source(limited: Deployed, first: str, second: str, together: bool) -> None:
    limited.stranger(first)("GET", "/v1/health")
    assert told(limited.stranger(second)("GET", "/v1/health"))["source"]["r"] == (8 if together else 9)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/v1/agents", 200),
        ("POST", "/v1/agents", 422),
        ("GET", "/v1/agents/00000000-0000-7000-8000-000000000000", 404),
        ("GET", "/v1/nothing", 404),
        ("PUT", "/v1/agents", 405),
        ("GET", f"/v1/agents?key={new_api_key()}", 400),
    ],
)
def test_every_answer_says_what_is_left(limited: Deployed, method: str, path: str, status: int) -> None:
    answer = limited.workspace("default")(method, path)
    assert answer.status_code == status
    assert told(answer)


def test_a_preflight_says_it_too(limited: Deployed) -> None:
    asks = {"Origin": "https://example.org", "Access-Control-Request-Method": "POST"}

    async def preflight() -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=limited.app)) as browser:
            return await browser.options("https://api.test/v1/agents", headers=asks)

    answer = limited.runner.run(preflight())
    assert (answer.status_code, told(answer)["source"]["r"]) == (200, 9)


def test_nothing_is_limited_where_none_is_set(deploy: Callable[..., Deployed]) -> None:
    deployed = deploy(rate_limit=0)
    api = deployed.workspace("default")
    answers = [api("GET", "/v1/agents") for _ in range(20)]
    assert {answer.status_code for answer in answers} == {200}
    assert not [name for answer in answers for name in answer.headers if name.startswith("ratelimit")]


def test_memory_is_bounded(clock: Hands) -> None:
    windows = Windows(Policy("source", 10, 60), clock)
    for number in range(MOST_PARTITIONS + 100):
        windows.spend(f"source {number}")
    assert len(windows) == MOST_PARTITIONS
    assert windows.left(f"source {MOST_PARTITIONS + 99}") == 9
    clock.passed += 60
    windows.spend("one more")
    assert len(windows) == 1
