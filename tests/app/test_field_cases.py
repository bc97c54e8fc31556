"""What went wrong for other people's products, on the real edge and a real voice worker: inbound SIP (group I)."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import select
from tests.app.deployment import NumberRow, add_agent, add_number
from tests.app.field import CASES, Caller, filled
from tests.app.test_processes import SHOP, a_worker, settings_for, the_edge
from tests.conftest import DatabaseUrls, fresh_database

from oneinbox.app.settings import Settings
from oneinbox.features.attempts import service as attempts
from oneinbox.features.attempts.models import AttemptRow
from oneinbox.features.calls.models import Call
from oneinbox.kit.db import Database

A, B = "+15550101234", "+15550101235"
CHATTY = replace(SHOP, first_message="Hello. " * 20, enable_recording=False)

pytestmark = pytest.mark.skipif(not CASES.is_dir(), reason="the field cases are not here")


@dataclass(frozen=True)
class Scene:
    """The product in action."""

    settings: Settings
    database: Database

    @contextlib.asynccontextmanager
    async def caller(self) -> AsyncIterator[Caller]:
        listen = self.settings.sip_listen
        one = await Caller((listen.host, listen.port), "127.0.0.1").start()
        try:
            yield one
        finally:
            one.stop()

    async def number(self, number: str) -> str:
        async with self.database.transaction() as session:
            return await add_number(session, await add_agent(session, CHATTY), NumberRow(number, sources=()))

    async def attempts(self, one: Caller, count: int = 1) -> list[AttemptRow]:
        """The records of this caller's INVITEs, once there are so many."""
        own = select(AttemptRow).where(AttemptRow.sip_call_id == one.tokens["CALLID"]).order_by(AttemptRow.id)
        for _ in range(200):
            async with self.database.transaction() as session:
                found = list(await session.scalars(own))
            if len(found) >= count:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"There are {len(found)} attempts, not {count}.")

    async def calls(self, one: Caller, count: int = 1) -> list[Call]:
        """The calls of this caller."""
        ids = [attempt.call_id for attempt in await self.attempts(one, count) if attempt.call_id]
        async with self.database.transaction() as session:
            return list(await session.scalars(select(Call).where(Call.id.in_(ids))))


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture(scope="module")
def play(template: DatabaseUrls, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """Runs scenes on one deployment, one after the other."""
    with fresh_database(template) as urls, asyncio.Runner() as runner:
        scene = Scene(settings_for(urls.app, tmp_path_factory.mktemp("field")), Database(urls.app, pool_size=4))
        stack = contextlib.AsyncExitStack()

        async def begin() -> None:
            for number in (A, B):
                await scene.number(number)
            await stack.enter_async_context(the_edge(scene.settings))
            await stack.enter_async_context(a_worker(scene.settings))

        async def end() -> None:
            await stack.aclose()
            await scene.database.close()

        runner.run(begin())
        try:
            yield lambda act: runner.run(act(scene))
        finally:
            runner.run(end())


@pytest.mark.parametrize("name", ["i04-compact", "i06-anonymous", "i14-timer-invite", "i11-codecs"])
def test_offers_that_are_answered(play: Play, name: str) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            answer = await one.call(name)
            assert answer.status == 200
            assert await one.audio(1.0) > 20
            (call,) = await scene.calls(one)
            assert call.to_number == A
            if name == "i06-anonymous":
                assert call.from_number is None
            if name == "i14-timer-invite":
                assert answer.first("session-expires") == "90;refresher=uac"
            if name == "i11-codecs":
                codecs_are_the_truth(answer.body.decode())

    play(act)


def codecs_are_the_truth(sdp: str) -> None:
    line = re.search(r"m=audio \d+ RTP/AVP ([\d ]+)", sdp)
    assert line is not None
    formats = line[1].split()
    assert "96" in formats
    assert "a=rtpmap:96 telephone-event/8000" in sdp
    assert all(f"a=rtpmap:{one} " in sdp for one in formats)


def test_i08_an_invite_without_an_offer(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            one.say("i08-delayed-invite")
            answer = await one.answer()
            assert answer.status == 200
            assert b"m=audio" in answer.body
            assert await one.audio(0.5) == 0, "the agent spoke before the ACK"
            one.say("i08-delayed-ack")
            assert await one.audio(2.0) > 20
            data, _ = one.rtp.heard.get_nowait()
            assert data[1] & 0x7F == 8, "not PCMA"

    play(act)


def test_i09_one_huge_offer_over_udp_and_tcp(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            answer = await one.call("i09-bigoffer")
            assert answer.status == 200
            lines = re.findall(rb"m=(\w+) (\d+)", answer.body)
            assert len(lines) == 4
            assert [port != b"0" for _, port in lines].count(True) == 1
        async with scene.caller() as one:
            data = filled((CASES / "i09-bigoffer.sip").read_bytes(), one.tokens | {"BRANCH2": "x"})
            listen = scene.settings.sip_listen
            reader, writer = await asyncio.open_connection(listen.host, listen.port)
            writer.write(data)
            said = b""
            async with asyncio.timeout(10):
                while b"SIP/2.0 200 " not in said:
                    said += await reader.read(65536)
            writer.close()

    play(act)


def test_i11_an_unknown_codec_alone_is_488_and_named(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            one.say("i11-g729only")
            assert (await one.answer()).status == 488
            (attempt,) = await scene.attempts(one)
        assert attempt.unmatched == "G729/8000, telephone-event/8000"

    play(act)


@pytest.mark.parametrize(("hold", "mode"), [("i12-hold-sendonly", "recvonly"), ("i12-hold-inactive", "inactive")])
def test_i12_hold_and_resume(play: Play, hold: str, mode: str) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            await one.call()
            assert await one.audio(1.0) > 20
            one.say(hold)
            answer = await one.answer(2)
            assert (answer.status, f"a={mode}" in answer.body.decode()) == (200, True)
            one.acknowledge(2)
            await asyncio.sleep(0.3)
            assert await one.audio(1.0) == 0
            one.say("i12-resume")
            answer = await one.answer(3)
            assert answer.status == 200
            assert not re.search(rb"a=(sendonly|recvonly|inactive)", answer.body)
            one.acknowledge(3)
            assert await one.audio(1.5) > 20
            assert len(await scene.calls(one)) == 1

    play(act)


def test_i14_a_session_that_is_too_short_is_refused_with_the_least_there_is(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            answer = await one.call("i14-toosmall")
            assert (answer.status, answer.first("min-se")) == (422, "90")
            assert not await scene.calls(one)

    play(act)


def test_i14_refreshes_are_answered(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            await one.call("i14-timer-invite")
            one.say("i14-refresh-sdp")
            assert (await one.answer(2)).status == 200
            one.acknowledge(2)
            one.say("i14-refresh-nosdp")
            answer = await one.answer(3)
            assert (answer.status, b"m=audio" in answer.body) == (200, True)
            one.acknowledge(3, "i08-delayed-ack")
            one.say("i14-refresh-update")
            assert (await one.answer(4)).status in (200, 405, 501)
            assert await one.audio(1.0) > 20

    play(act)


def test_keys_in_sdp_are_taken_by_those_who_ask_for_them(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            key = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz"
            one.say_with("plain-invite", b"RTP/AVP 0 8 101", b"RTP/SAVP 0 8 101\r\n" + key)
            answer = await one.answer()
            one.say("plain-ack")
            assert answer.status == 200
            assert b"RTP/SAVP" in answer.body
            assert b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" in answer.body
            assert await one.audio(1.0) > 20
        async with scene.caller() as one:
            assert b"a=crypto" not in (await one.call()).body

    play(act)


def test_i16_the_same_invite_again_and_by_another_path(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            one.say("plain-invite")
            one.say("plain-invite")
            one.say("i16-merged")
            statuses = {(await one.answer()).status for _ in range(2)}
            assert statuses == {200, 482}
            one.say("plain-ack")
            one.say("plain-bye")
            await one.answer(9)
            one.say("plain-invite")
            assert (await one.answer(1)).status == 200
            assert len(await scene.calls(one, 2)) == 1

    play(act)


def test_i18_an_address_that_cannot_be_reached_is_said_in_the_attempt(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            assert (await one.call("i18-privatesdp")).status == 200
            assert await one.audio(1.0) > 20
            (attempt,) = await scene.attempts(one)
        assert "10.20.30.40" in attempt.reason

    play(act)


def test_i20_pings_and_pieces_over_tcp(play: Play) -> None:
    async def act(scene: Scene) -> None:
        async with scene.caller() as one:
            data = filled((CASES / "i20-tcp.sip").read_bytes(), one.tokens | {"BRANCH2": "x"})
            listen = scene.settings.sip_listen
            reader, writer = await asyncio.open_connection(listen.host, listen.port)
            for piece in data.split(b"{{CUT}}"):
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(0.3)
            said = b""
            async with asyncio.timeout(10):
                while said.count(b"SIP/2.0 200 ") < 5:
                    said += await reader.read(65536)
            assert said.count(b" OPTIONS\r\n") == 4
            assert not reader.at_eof()
            writer.close()

    play(act)


def test_i01_the_number_without_plus_and_in_national_form(play: Play) -> None:
    async def act(scene: Scene) -> None:
        for name in ("i01-noplus", "i01-national"):
            async with scene.caller() as one:
                assert (await one.call(name)).status == 200, name
                assert [call.to_number for call in await scene.calls(one)] == [A]
        await scene.number("+9995550101234")
        async with scene.caller() as one:
            one.say("i01-national")
            assert (await one.answer()).status == 404
            await scene.attempts(one)
        async with scene.database.transaction() as session:
            newest = (await attempts.newest(session, 1, unowned=True))[0]
        assert newest.numbers == [f"{A} (candidate)", "+9995550101234 (candidate)"]

    play(act)
