"""Eternal tasks beside a main one: whatever ends too early ends all, and its error is what is raised."""

import asyncio

import pytest

from oneinbox.app.running import EternalTaskEnded, run_beside, wait_at_most


class Watched:
    """A coroutine that tells how it ended."""

    def __init__(self) -> None:
        self.ended = ""

    async def forever(self) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.ended = "cancelled"
            raise


async def answer() -> int:
    return 42


async def fail() -> None:
    raise LookupError("lost")


async def end() -> None:
    return None


def test_the_others_are_cancelled_when_the_main_one_ends() -> None:
    watched = Watched()

    async def scene() -> int:
        async def work() -> int:
            await asyncio.sleep(0)
            return await answer()

        return await run_beside(work(), {"watched": watched.forever()})

    assert asyncio.run(scene()) == 42
    assert watched.ended == "cancelled"


def test_the_error_of_an_eternal_task_is_raised_as_it_is() -> None:
    main, other = Watched(), Watched()
    with pytest.raises(LookupError, match="lost"):
        asyncio.run(run_beside(main.forever(), {"failing": fail(), "other": other.forever()}))
    assert (main.ended, other.ended) == ("cancelled", "cancelled")


def test_an_eternal_task_must_not_return() -> None:
    main = Watched()
    with pytest.raises(EternalTaskEnded, match="short"):
        asyncio.run(run_beside(main.forever(), {"short": end()}))
    assert main.ended == "cancelled"


def test_the_error_of_the_main_one_is_raised_as_it_is() -> None:
    other = Watched()

    async def scene() -> None:
        async def broken() -> None:
            await asyncio.sleep(0)
            await fail()

        await run_beside(broken(), {"other": other.forever()})

    with pytest.raises(LookupError, match="lost"):
        asyncio.run(scene())
    assert other.ended == "cancelled"


def test_cancelling_cancels_all() -> None:
    main, other = Watched(), Watched()

    async def scene() -> None:
        task = asyncio.create_task(run_beside(main.forever(), {"other": other.forever()}))
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scene())
    assert (main.ended, other.ended) == ("cancelled", "cancelled")


def test_waiting_ends_with_the_event_which_is_then_cleared() -> None:
    async def scene() -> bool:
        event = asyncio.Event()
        event.set()
        await asyncio.wait_for(wait_at_most(event, 60), 5)
        return event.is_set()

    assert not asyncio.run(scene())
