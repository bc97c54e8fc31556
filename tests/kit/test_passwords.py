"""Passwords: hashed beside the event loop, one after another, and only so many in line."""

import asyncio

from oneinbox.kit.passwords import MOST_WAITING, Passwords, PasswordsBusy


def test_a_password_is_verified_against_its_hash_alone() -> None:
    async def ask() -> list[bool]:
        passwords = Passwords()
        first, second = await passwords.hash("correct horse"), await passwords.hash("correct horse")
        assert first != second, "each hash has a salt of its own"
        assert first.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        return [
            await passwords.verify(first, "correct horse"),
            await passwords.verify(first, "correct hors"),
            await passwords.verify(None, "correct horse"),
            await passwords.verify("not a hash", "correct horse"),
        ]

    assert asyncio.run(ask()) == [True, False, False, False]


def test_the_event_loop_turns_meanwhile() -> None:
    async def turn() -> None:
        passwords = Passwords()
        for work in (passwords.hash("correct horse"), passwords.verify(None, "correct horse")):
            task = asyncio.create_task(work, name="password")
            for _ in range(3):
                await asyncio.sleep(0)
            assert not task.done(), "a hash computed on the loop would be done after its first turn"
            await task

    asyncio.run(turn())


def test_only_so_many_wait_and_others_are_told() -> None:
    async def crowd() -> list[object]:
        passwords = Passwords()
        asked = [passwords.verify(None, "correct horse") for _ in range(MOST_WAITING + 3)]
        answers: list[object] = list(await asyncio.gather(*asked, return_exceptions=True))
        assert await passwords.verify(None, "correct horse") is False, "those that are done leave room"
        return answers

    answers = asyncio.run(crowd())
    assert answers[:MOST_WAITING] == [False] * MOST_WAITING
    assert [type(answer) for answer in answers[MOST_WAITING:]] == [PasswordsBusy] * 3
