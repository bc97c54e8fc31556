"""A plane on a call with itself whose engine is stopped behind its back: prints what is made known."""

import asyncio

from baresip._native import ffi, lib

from oneinbox.adapters.media.embedded import EmbeddedPlane
from oneinbox.contracts.media import CallLeg, MediaError, OutboundTrunk
from oneinbox.kit.clock import SystemClock


async def main() -> None:
    closed = asyncio.Event()

    async def on_call(leg: CallLeg) -> None:
        await leg.answer()
        async for event in leg.events():
            if event.kind == "lost":
                print(event.detail, flush=True)
                closed.set()

    plane = EmbeddedPlane("127.0.0.1", (26000, 26098), SystemClock().monotonic)
    _, port = await plane.start(on_call)
    trunk = OutboundTrunk("m", "w", "+15550001111", "custom", f"127.0.0.1:{port}", "", "")
    leg = await plane.dial(trunk, "+15551234567", {})
    async for _ in leg.events():
        break
    lib.bp_cmd(lib.BP_CMD_STOP, 0, ffi.NULL)
    print(await asyncio.wait_for(plane.failed(), 10), flush=True)
    await asyncio.wait_for(closed.wait(), 10)
    try:
        await plane.dial(trunk, "+15551234567", {})
    except MediaError:
        print("no more calls", flush=True)
    await plane.close()


if __name__ == "__main__":
    asyncio.run(main())
