"""`python -m oneinbox.adapters.media.scripted FILE [PORT]`: the scripted trunks' process, on loopback.

Prints its port when it serves.
"""

import asyncio
import sys
from pathlib import Path

from oneinbox.adapters.media.scripted.server import TrunkServer


async def serve(path: Path, port: int) -> None:
    """Serve until the process is ended."""
    server, found = await TrunkServer(path).serve("127.0.0.1", port)
    print(found, flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 0))
