"""Which calls are answered: numbers as carriers spell them, sources that may call, and everybody else."""

import asyncio
from pathlib import Path

import pytest
from tests.e2e.calling import heard_words, missing, sipp, until
from tests.e2e.product import Product
from tests.e2e.scenarios import TALK, refused

pytestmark = pytest.mark.e2e

STRANGER, CARRIER = "127.0.0.2", "127.0.0.3"


def refuse(product: Product, folder: Path, number: str, status: int, source: str = "127.0.0.1") -> None:
    """A call from `source` gets this answer."""

    async def scene() -> None:
        async with sipp(folder, product, refused(status), number, source=source) as caller:
            await caller.done()

    asyncio.run(scene())


@pytest.mark.parametrize("spelling", ["+{}", "{}"])
def test_a_number_is_answered_with_and_without_its_plus(product: Product, tmp_path: Path, spelling: str) -> None:
    greeting = "Welcome to the garden. Please ask your question."
    number = product.number(product.agent(first_message=greeting))

    async def scene() -> set[str]:
        async with sipp(tmp_path, product, TALK, number, dialled=spelling) as caller:
            await caller.hear_out()
            await caller.hang_up()
            return await heard_words(caller.phone.pcm)

    assert not missing(asyncio.run(scene()), "welcome", "garden", "please", "question")
    call = product.ended_call(number)
    assert (call["status"], call["end_reason"]) == ("completed", "caller_hangup")
    assert (call["to_number"], call["from_number"]) == (number, "+15550105678")


def test_a_stranger_gets_one_answer_whatever_the_number(product: Product, tmp_path: Path) -> None:
    number = product.number(product.agent())
    refuse(product, tmp_path, number, 403, STRANGER)
    refuse(product, tmp_path, "+15550199999", 403, STRANGER)
    assert product.attempts(number) == [(403, "source_not_allowed")]
    assert product.calls_to(number) == []


def test_an_unknown_number_is_not_found(product: Product, tmp_path: Path) -> None:
    refuse(product, tmp_path, "+15550199998", 404)
    assert product.attempts("+15550199998") == [(404, "no_such_number")]


def test_a_carrier_reaches_the_numbers_that_allow_it_and_no_others(product: Product, tmp_path: Path) -> None:
    agent = product.agent(first_message="You have reached the carrier's own number.")
    own = product.number(agent, config={"allowed_addresses": [f"{CARRIER}/32"]})
    other = product.number(agent)

    async def scene() -> None:
        async with sipp(tmp_path, product, TALK, own, source=CARRIER) as caller:
            await caller.phone.hear_voice()
            await caller.hang_up()

    asyncio.run(scene())
    assert product.ended_call(own)["end_reason"] == "caller_hangup"
    refuse(product, tmp_path, other, 404, CARRIER)
    refuse(product, tmp_path, "+15550199997", 404, CARRIER)
    assert product.calls_to(other) == []


def test_a_deleted_number_is_silent_at_once_and_registered_again_answered_by_its_new_agent(
    product: Product, tmp_path: Path
) -> None:
    """A call that is running goes on, and its record stays."""
    number = product.number(product.agent(first_message="Welcome to the garden. Please ask your question."))
    path = f"/v1/phone-numbers/{product.phone_id(number)}"

    async def scene() -> None:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await caller.hear_out()
            await asyncio.to_thread(product.ask, "DELETE", path)
            async with sipp(tmp_path, product, refused(404), number) as late:
                await late.done()
            assert product.the_call(number)["status"] == "in_progress"
            heard = len(caller.phone.heard)
            await until(lambda: len(caller.phone.heard) > heard, "more of the agent's packets")
            await caller.hang_up()

    asyncio.run(scene())
    assert product.ended_call(number)["end_reason"] == "caller_hangup"
    product.attempts(number)
    reasons = product.rows("SELECT reason FROM attempts WHERE dialled = %s AND status = 404", number)
    assert ["deleted" in reason for (reason,) in reasons] == [True]
    assert product.api.delete(path).status_code == 404
    product.number(product.agent(first_message="This is the library, what can I do?"), phone_number=number)

    async def again() -> set[str]:
        async with sipp(tmp_path, product, TALK, number) as caller:
            await caller.phone.hear_voice()
            await caller.phone.hear_silence(1.0)
            await caller.hang_up()
            return await heard_words(caller.phone.pcm)

    assert not missing(asyncio.run(again()), "library")
    assert len(product.calls_to(number)) == 2
