"""A voice worker, set by the environment, whose media engine is stopped behind its back by a line on stdin."""

import asyncio
import sys

from baresip._native import ffi, lib

from oneinbox.app.settings import load
from oneinbox.app.voice.serve import serve


async def main() -> None:
    ready = asyncio.Event()

    async def end_the_engine() -> None:
        await ready.wait()
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)
        lib.bp_cmd(lib.BP_CMD_STOP, 0, ffi.NULL)

    ending = asyncio.create_task(end_the_engine())
    try:
        await serve(load(), 0, asyncio.Event(), ready.set)
    finally:
        ending.cancel()


if __name__ == "__main__":
    asyncio.run(main())
