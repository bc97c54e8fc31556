"""In a network namespace of its own: what becomes of connections to a server whose packets are lost at some moment."""

import asyncio
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from oneinbox.kit.db import Database
from oneinbox.kit.postgres import EmbeddedPostgres

PATIENCE_SECONDS = 25.0
CHANNEL = "cut_off"


def cut(port: int) -> None:
    """From now on nothing arrives at the server, and nothing from it."""
    for rule in (
        "add table inet cut",
        "add chain inet cut in { type filter hook input priority 0 ; }",
        f"add rule inet cut in tcp dport {port} drop",
        f"add rule inet cut in tcp sport {port} drop",
    ):
        subprocess.run(["nft", *rule.split()], check=True)


def heal() -> None:
    """Packets arrive again."""
    subprocess.run(["nft", "delete", "table", "inet", "cut"], check=True)


async def ask(database: Database) -> None:
    async with database.transaction() as session:
        await session.execute(text("SELECT pg_sleep(0.2)"))


async def main(folder: Path) -> None:
    """Say what happened, a word for each."""
    server = EmbeddedPostgres(folder, fsync=False)
    server.start()
    database = Database(server.app_url, pool_size=2)
    listening = asyncio.ensure_future(anext(database.listen(CHANNEL)))
    try:
        await asyncio.gather(ask(database), ask(database))
        cut(server.port)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await ask(database)
        except OperationalError:
            print("query_given_up", flush=True)
        await asyncio.sleep(5)
        heal()
        while not listening.done():
            async with database.transaction() as session:
                await session.execute(text(f"NOTIFY {CHANNEL}"))
            await asyncio.sleep(0.2)
        print("heard_again", flush=True)
    finally:
        listening.cancel()
        await database.close()
        server.stop()


asyncio.run(main(Path(sys.argv[1])))
