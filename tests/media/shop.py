"""A far side in a process of its own: greets each call, and answers what it hears after 0.4 s of silence.

Its argument is the address it has, 127.0.0.1 if there is none. Prints its SIP port, and ends when its stdin is closed.
"""

import asyncio
import sys

import numpy as np

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.adapters.speech.builtin import synthesis
from oneinbox.contracts.media import CallLeg
from oneinbox.kit.clock import SystemClock

GREETING = "Thank you for calling the bicycle shop."
ANSWERS = ("We open at nine on Saturday morning.", "The yellow bicycle is in the window.")
SILENT_BLOCKS = 20


class Shopkeeper:
    """Says the next answer whenever the caller has said something."""

    def __init__(self, leg: CallLeg, answers: list[bytes]) -> None:
        self._leg = leg
        self._answers = answers
        self._quiet = -1

    def block(self, heard: bytes, said: bytes) -> None:
        if np.abs(np.frombuffer(heard, "<i2").astype(int)).max() > 200:
            self._quiet = 0
        elif self._quiet >= 0:
            self._quiet += 1
        if self._quiet == SILENT_BLOCKS and self._answers:
            self._leg.play(self._answers.pop(0))
            self._quiet = -1


async def main(host: str) -> None:
    voice = synthesis.load()
    greeting, *answers = [await voice.synthesise(text) for text in (GREETING, *ANSWERS)]

    async def on_call(leg: CallLeg) -> None:
        leg.attach(Shopkeeper(leg, list(answers)))
        await leg.answer()
        leg.play(greeting)
        async for _ in leg.events():
            pass

    plane = EmbeddedPlane(host, (25000, 25098), SystemClock().monotonic)
    print((await plane.start(on_call))[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await plane.close()
    voice.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if sys.argv[1:] else "127.0.0.1"))
