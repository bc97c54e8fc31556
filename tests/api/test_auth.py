"""Signing up, in and out over HTTP: who may, what a token opens, and what nobody gets to see."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from statistics import median
from typing import Any

import httpx
import jwt
import pytest
from pydantic import SecretStr
from sqlalchemy import text
from tests.api.conftest import Api, Deployed, Hands

from oneinbox.app.api.limits import SIGN_INS_TO_AN_ACCOUNT
from oneinbox.app.bootstrap import add_user
from oneinbox.features.auth.errors import EmailTaken
from oneinbox.kit.bodies import InvalidField

PASSWORD = "correct horse battery staple"
ANN = {"email": "Ann@Example.org", "password": PASSWORD, "name": "Ann"}
BEN = {"email": "ben@example.org", "password": PASSWORD + "!", "name": "Ben", "organization_name": "Acme"}


def signed_up(deployed: Deployed, body: dict[str, Any] = ANN) -> Api:
    answer = deployed.stranger()("POST", "/v1/auth/signup", json=body)
    assert answer.status_code == 201, answer.text
    return Api(deployed.runner, deployed.app, answer.json()["access_token"])


def log_in(deployed: Deployed, email: str, password: str, source: str = "127.0.0.1") -> httpx.Response:
    return deployed.stranger(source)("POST", "/v1/auth/login", json={"email": email, "password": password})


def test_the_first_to_sign_up_owns_the_first_workspace(deployed: Deployed) -> None:
    ann = signed_up(deployed)
    me = ann("GET", "/v1/auth/me").json()
    assert (me["email"], me["name"], me["workspace_name"]) == ("ann@example.org", "Ann", "default")
    agent = ann.agent()
    key = deployed.workspace("default")
    assert [one["id"] for one in key("GET", "/v1/agents").json()["items"]] == [agent]


def test_a_workspace_that_is_there_is_not_taken_over(deployed: Deployed, api: Api) -> None:
    agent = api.agent()
    ann = signed_up(deployed)
    assert ann("GET", "/v1/auth/me").json()["workspace_name"] != "default"
    assert ann("GET", f"/v1/agents/{agent}").status_code == 404


def test_nobody_else_may_sign_up(deployed: Deployed) -> None:
    signed_up(deployed)
    answer = deployed.stranger()("POST", "/v1/auth/signup", json=BEN)
    assert (answer.status_code, answer.json()["code"]) == (403, "SIGNUP_CLOSED")
    assert log_in(deployed, BEN["email"], BEN["password"]).status_code == 401


def test_of_many_who_are_first_one_is(deploy: Callable[..., Deployed]) -> None:
    """Each at another process, so that their passwords are hashed at the same time."""
    processes = [deploy() for _ in range(4)]
    asked = [
        process.stranger().send("POST", "/v1/auth/signup", json=ANN | {"email": f"{number}@example.org"})
        for number, process in enumerate(processes)
    ]

    async def all_of_them() -> list[httpx.Response]:
        return await asyncio.gather(*asked)

    answers = processes[0].runner.run(all_of_them())
    assert sorted(answer.status_code for answer in answers) == [201] + 3 * [403]


def test_where_all_may_sign_up_each_has_a_workspace_of_their_own(deploy: Callable[..., Deployed]) -> None:
    deployed = deploy(open_signup=True)
    ann, ben = signed_up(deployed), signed_up(deployed, BEN)
    cleo = signed_up(deployed, BEN | {"email": "cleo@example.org", "organization_name": "default"})
    agent = ann.agent()
    for other in (ben, cleo):
        assert other("GET", f"/v1/agents/{agent}").status_code == 404
        assert other("GET", "/v1/agents").json()["total"] == 0
    assert ben("GET", "/v1/auth/me").json()["workspace_name"].startswith("Acme ")
    assert deployed.workspace("default")("GET", "/v1/agents").json()["total"] == 1
    again = deployed.stranger()("POST", "/v1/auth/signup", json=BEN | {"email": "BEN@example.org"})
    assert (again.status_code, again.json()["code"]) == (409, "EMAIL_TAKEN")


@pytest.mark.parametrize(
    "wrong",
    [
        {"password": "1234567"},
        {"password": "x" * 257},
        {"password": None},
        {"email": "ann"},
        {"email": "a@b@c"},
        {"email": ""},
        {"name": ""},
        {"name": "a\0b"},
        {"organization_name": ""},
    ],
)
def test_what_cannot_be_taken_is_refused_and_not_repeated(shared: Deployed, wrong: dict[str, Any]) -> None:
    answer = shared.stranger("192.0.2.1")("POST", "/v1/auth/signup", json=ANN | wrong)
    assert answer.status_code == 422
    assert PASSWORD not in answer.text
    assert str(wrong.get("password")) not in answer.text or wrong.get("password") is None


def test_a_token_works_like_a_key(deployed: Deployed) -> None:
    signed_up(deployed)
    answer = log_in(deployed, " ANN@example.org", PASSWORD)
    assert answer.status_code == 200
    assert answer.json() | {"access_token": ""} == {
        "access_token": "",
        "token_type": "Bearer",
        "expires_in_minutes": 60,
    }
    ann = Api(deployed.runner, deployed.app, answer.json()["access_token"])
    number = ann.number()
    made = ann("POST", "/v1/api-keys", json={"name": "CI"}).json()
    program = Api(deployed.runner, deployed.app, made["api_key"])
    assert program("GET", f"/v1/phone-numbers/{number['id']}").json() == number
    assert ann("DELETE", f"/v1/phone-numbers/{number['id']}").status_code == 204


def test_a_key_is_no_person(api: Api) -> None:
    for method, path in (("GET", "/v1/auth/me"), ("POST", "/v1/auth/refresh"), ("POST", "/v1/auth/logout")):
        answer = api(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")


def test_the_cookie_is_for_auth_alone(deployed: Deployed) -> None:
    signed_up(deployed)
    answer = log_in(deployed, "ann@example.org", PASSWORD)
    cookie = answer.headers["set-cookie"]
    assert {"HttpOnly", "SameSite=lax", "Path=/v1/auth"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    carried = {"Cookie": cookie.partition(";")[0]}
    browser = deployed.stranger()
    assert browser("GET", "/v1/auth/me", headers=carried).json()["email"] == "ann@example.org"
    refreshed = browser("POST", "/v1/auth/refresh", headers=carried)
    assert refreshed.status_code == 200
    assert refreshed.headers["set-cookie"].startswith("oneinbox_token=ey")
    assert browser("GET", "/v1/agents", headers=carried).status_code == 401
    gone = browser("POST", "/v1/auth/logout", headers=carried)
    assert 'oneinbox_token=""' in gone.headers["set-cookie"]
    assert browser("GET", "/v1/auth/me", headers=carried).json()["code"] == "INVALID_TOKEN"


def test_the_cookie_goes_over_https_only_where_the_api_does(deploy: Callable[..., Deployed]) -> None:
    deployed = deploy(api_public_url="https://voice.example")
    answer = deployed.stranger()("POST", "/v1/auth/signup", json=ANN)
    assert "Secure" in answer.headers["set-cookie"]


def test_signing_out_is_known_to_every_process_at_once(deploy: Callable[..., Deployed]) -> None:
    here, there = deploy(), deploy()
    ann = signed_up(here)
    elsewhere = Api(there.runner, there.app, ann.key)
    other = Api(here.runner, here.app, log_in(there, "ann@example.org", PASSWORD).json()["access_token"])
    newer = Api(here.runner, here.app, elsewhere("POST", "/v1/auth/refresh").json()["access_token"])
    assert ann("POST", "/v1/auth/logout").status_code == 200
    for client in (elsewhere, ann, newer):
        for path in ("/v1/agents", "/v1/auth/me"):
            answer = client("GET", path)
            assert (answer.status_code, answer.json()["code"]) == (401, "INVALID_TOKEN")
    assert other("GET", "/v1/auth/me").status_code == 200, "another sign-in lasts"


def test_a_token_ends_and_a_sign_in_too(deploy: Callable[..., Deployed]) -> None:
    clock = Hands()
    deployed = deploy(clock=clock)
    ann = signed_up(deployed)
    clock.passed += 59 * 60
    newer = Api(deployed.runner, deployed.app, ann("POST", "/v1/auth/refresh").json()["access_token"])
    clock.passed += 2 * 60
    assert ann("GET", "/v1/auth/me").json()["code"] == "TOKEN_EXPIRED"
    assert ann("POST", "/v1/auth/refresh").json()["code"] == "TOKEN_EXPIRED"
    aged(deployed, timedelta(days=29, hours=22, minutes=29))
    last = newer("POST", "/v1/auth/refresh").json()
    assert last["expires_in_minutes"] == 30
    clock.passed += 31 * 60
    assert newer("POST", "/v1/auth/refresh").json()["code"] == "TOKEN_EXPIRED"
    assert (
        Api(deployed.runner, deployed.app, last["access_token"])("GET", "/v1/agents").json()["code"] == "TOKEN_EXPIRED"
    )


def aged(deployed: Deployed, by: timedelta) -> None:
    """Every sign-in began that much earlier."""

    async def write() -> None:
        async with deployed.database.transaction() as session:
            await session.execute(text("UPDATE sign_ins SET began_at = began_at - :by"), {"by": by})

    deployed.runner.run(write())


def forged(how: str, key: str) -> str:
    good = jwt.decode(key, options={"verify_signature": False})
    if how == "none":
        return jwt.encode(good, "", "none")
    if how == "other key":
        return jwt.encode(good, "k" * 32, "HS256")
    if how == "changed":
        head, _, signature = key.split(".")
        body = jwt.encode(good | {"sub": "somebody else"}, "k" * 32, "HS256").split(".")[1]
        return ".".join((head, body, signature))
    return "a.b.c"


@pytest.mark.parametrize("how", ["none", "other key", "changed", "garbage"])
def test_a_token_that_was_not_made_here_is_refused(deployed: Deployed, how: str) -> None:
    ann = signed_up(deployed)
    assert ann.key is not None
    forger = Api(deployed.runner, deployed.app, forged(how, ann.key))
    for path in ("/v1/agents", "/v1/auth/me"):
        assert forger("GET", path).json()["code"] == "INVALID_TOKEN"


def test_which_of_the_two_was_wrong_is_not_told(deployed: Deployed) -> None:
    """Neither by the answer nor by how long it takes: an unknown address is hashed for as well."""
    signed_up(deployed)
    took: dict[str, list[float]] = {"ann@example.org": [], "nobody@example.org": []}
    answers = set()
    for number in range(9):
        for email, times in took.items():
            began = time.perf_counter()
            answer = log_in(deployed, email, "wrong password", f"192.0.2.{number}")
            times.append(time.perf_counter() - began)
            answers.add((answer.status_code, answer.json()["code"], answer.json()["detail"]))
    assert len(answers) == 1
    known, unknown = (median(times) for times in took.values())
    assert 1 / 3 < known / unknown < 3


def test_guessing_is_slowed_down_by_source_and_by_account(deploy: Callable[..., Deployed]) -> None:
    clock = Hands()
    deployed = deploy(clock=clock)
    signed_up(deployed)
    for left in range(19, -1, -1):
        answer = log_in(deployed, f"{left}@example.org", "wrong password", "192.0.2.7")
        assert answer.status_code == 401
        assert f'"sign-in-source";r={left};' in answer.headers["ratelimit"]
    refused = log_in(deployed, "ann@example.org", PASSWORD, "192.0.2.7")
    assert (refused.status_code, refused.json()["code"]) == (429, "RATE_LIMITED")
    assert log_in(deployed, "ann@example.org", PASSWORD, "192.0.2.8").status_code == 200
    clock.passed += int(refused.headers["retry-after"])
    assert log_in(deployed, "ann@example.org", PASSWORD, "192.0.2.7").status_code == 200
    for number in range(50):
        assert log_in(deployed, "ann@example.org", "wrong password", f"198.51.100.{number}").status_code == 401
    spread = log_in(deployed, "Ann@example.org", PASSWORD, "198.51.100.100")
    assert (spread.status_code, int(spread.headers["retry-after"]) > 0) == (429, True)


def test_signing_in_rightly_is_not_counted(deployed: Deployed) -> None:
    signed_up(deployed)
    for _ in range(22):
        assert log_in(deployed, "ann@example.org", PASSWORD, "192.0.2.9").status_code == 200


def test_a_flood_of_passwords_is_refused_before_it_takes_the_machine(deployed: Deployed, api: Api) -> None:
    signed_up(deployed)
    body = {"email": "ann@example.org", "password": "wrong password"}
    answers = deployed.stranger().at_once([("POST", "/v1/auth/login", body) for _ in range(19)])
    codes = {answer.json()["code"] for answer in answers}
    assert codes == {"WRONG_CREDENTIALS", "SIGN_IN_BUSY"}
    assert all(answer.headers["retry-after"] for answer in answers if answer.status_code == 503)
    assert api("GET", "/v1/agents").status_code == 200


def test_no_password_and_no_token_is_kept_or_logged(deployed: Deployed, logged: Callable[[], str]) -> None:
    ann = signed_up(deployed)
    log_in(deployed, "ann@example.org", PASSWORD + " wrong")
    assert ann.key is not None
    assert PASSWORD not in ann("GET", "/v1/auth/me").text

    async def everything() -> str:
        async with deployed.database.transaction() as session:
            names = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public'"))
            rows = [await session.execute(text(f'SELECT t::text FROM "{name}" t')) for name in names.all()]
            return "\n".join(str(row) for of_table in rows for row in of_table)

    kept = deployed.runner.run(everything())
    assert "ann@example.org" in kept
    assert "$argon2id$v=19$m=19456,t=2,p=1$" in kept
    for place in (kept, logged()):
        assert place
        assert PASSWORD not in place
        assert ann.key not in place
        assert ann.key.rpartition(".")[2] not in place


def test_users_are_made_on_the_machine_too(deployed: Deployed, database_urls: Any) -> None:
    settings = deployed.settings.model_copy(update={"database_url": SecretStr(database_urls.app)})
    user_id = deployed.runner.run(add_user(settings, "Ann@example.org", "Ann", PASSWORD))
    answer = log_in(deployed, "ann@example.org", PASSWORD)
    ann = Api(deployed.runner, deployed.app, answer.json()["access_token"])
    me = ann("GET", "/v1/auth/me").json()
    assert (me["id"], me["workspace_name"]) == (user_id, "default")
    with pytest.raises(EmailTaken):
        deployed.runner.run(add_user(settings, "ann@example.org", "Ann", PASSWORD))
    with pytest.raises(InvalidField, match="password") as refused:
        deployed.runner.run(add_user(settings, "ben@example.org", "Ben", "short77"))
    assert "short77" not in str(refused.value)


def test_the_command_reads_the_password_from_stdin(deployed: Deployed, database_urls: Any) -> None:
    environment = os.environ | {
        "ONEINBOX_DATABASE_URL": database_urls.app,
        "ONEINBOX_DATA_DIR": str(deployed.settings.data_dir),
    }

    def run(*arguments: str, given: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "oneinbox", "users", "create", *arguments]
        return subprocess.run(command, input=given, env=environment, capture_output=True, text=True, timeout=60)

    done = run("ann@example.org", "--name", "Ann", given=PASSWORD + "\n")
    assert (done.returncode, done.stderr) == (0, "")
    me = Api(deployed.runner, deployed.app, log_in(deployed, "ann@example.org", PASSWORD).json()["access_token"])
    assert me("GET", "/v1/auth/me").json()["id"] == done.stdout.strip()
    refused = run("ben@example.org", given="short77\n")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "password" in refused.stderr
    assert "short77" not in refused.stderr


KEYED = {"Idempotency-Key": "sign-up-1"}


@pytest.mark.parametrize("open_to_all", [True, False])
def test_a_sign_up_that_is_sent_again_under_its_key_signs_in(
    deploy: Callable[..., Deployed], open_to_all: bool
) -> None:
    deployed = deploy(open_signup=open_to_all)
    first, again = (deployed.stranger()("POST", "/v1/auth/signup", json=ANN, headers=KEYED) for _ in range(2))
    assert (first.status_code, again.status_code) == (201, 201)
    users = [
        Api(deployed.runner, deployed.app, one.json()["access_token"])("GET", "/v1/auth/me").json()
        for one in (first, again)
    ]
    assert users[0] == users[1]
    refused = deployed.stranger()("POST", "/v1/auth/signup", json=ANN | {"password": PASSWORD + "?"}, headers=KEYED)
    assert refused.json()["code"] == ("EMAIL_TAKEN" if open_to_all else "SIGNUP_CLOSED")
    without = deployed.stranger()("POST", "/v1/auth/signup", json=ANN)
    assert without.json()["code"] == ("EMAIL_TAKEN" if open_to_all else "SIGNUP_CLOSED")


def test_sign_ups_at_once_under_one_key_make_one_user(deployed: Deployed) -> None:
    async def at_once() -> list[httpx.Response]:
        stranger = deployed.stranger()
        return await asyncio.gather(
            *(stranger.send("POST", "/v1/auth/signup", json=ANN, headers=KEYED) for _ in range(4))
        )

    answers = deployed.runner.run(at_once())
    assert {answer.status_code for answer in answers} == {201}
    names = [
        Api(deployed.runner, deployed.app, answer.json()["access_token"])("GET", "/v1/auth/me").json()["id"]
        for answer in answers
    ]
    assert len(set(names)) == 1


def test_a_key_gives_nobody_more_guesses(deployed: Deployed) -> None:
    signed_up(deployed)
    guesses = [
        deployed.stranger(f"198.51.100.{n}")(
            "POST", "/v1/auth/signup", json=ANN | {"password": f"{PASSWORD}{n}"}, headers=KEYED
        ).status_code
        for n in range(SIGN_INS_TO_AN_ACCOUNT + 1)
    ]
    assert set(guesses[:-1]) == {403}
    assert guesses[-1] == 429
