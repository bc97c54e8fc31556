"""Finding the number of an inbound call among a thousand and among a million."""

import asyncio
import random
import time
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg import sql
from tests.app.deployment import AgentRow, NumberRow, add_agent, add_number

from bench.figures import Figure, Target
from bench.statistics import percentile
from bench.world import World
from oneinbox.app.migrate import migrate
from oneinbox.features.phone_numbers import service as phone_numbers
from oneinbox.kit.db import Database, libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

FEW, MANY = 1_000, 1_000_000
FIRST = 12_000_000_000
PATTERN = "+12000000000"


def measure(world: World) -> list[Figure]:
    """Two databases in one server, asked in turn for numbers drawn at random."""
    many = max(10_000, round(MANY * min(1.0, world.scale)))
    server = EmbeddedPostgres(Path(world.folder) / "lookup")
    server.start()
    try:
        urls = [_filled(server, "few", FEW), _filled(server, "many", many)]
        few, large = asyncio.run(_ask(urls, (FEW, many), world.times(5000, 200)))
    finally:
        server.stop()
    ratio = percentile(large, 0.5) / percentile(few, 0.5)
    note = f"p50 {percentile(large, 0.5):.2f} ms of {many:,}, {percentile(few, 0.5):.2f} ms of {FEW:,}; one connection"
    return [
        Figure(f"inbound lookup, {many:,} numbers against {FEW:,}", ratio, "×", len(large), Target(1.2), note=note),
        Figure("the same at p95", percentile(large, 0.95) / percentile(few, 0.95), "×", len(large)),
    ]


def _filled(server: EmbeddedPostgres, name: str, count: int) -> str:
    """A migrated database with so many numbers, each with its trunk and rule; the application's URL."""
    owner, app = (url.rpartition("/")[0] + "/" + name for url in (server.owner_url, server.app_url))
    with psycopg.connect(libpq_url(server.owner_url), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    migrate(owner, app)
    phone_id = asyncio.run(_pattern(app))
    with psycopg.connect(libpq_url(owner)) as connection:
        each = "pattern.id || '-' || n"
        number = f"'+' || ({FIRST} + n)"
        own = {"id": each, "marker": each}
        trunk = "pattern.inbound_trunk_id || '-' || n"
        _multiply(connection, "inbound_trunks", own | {"number": number}, count)
        _multiply(connection, "phone_numbers", own | {"phone_number": number, "inbound_trunk_id": trunk}, count)
        rule = own | {"trunk_id": "pattern.trunk_id || '-' || n", "phone_id": f"'{phone_id}-' || n"}
        _multiply(connection, "dispatch_rules", rule, count)
    with psycopg.connect(libpq_url(owner), autocommit=True) as connection:
        connection.execute("VACUUM ANALYZE")
    return app


async def _pattern(url: str) -> str:
    """One number as admission finds it, that the others are copies of; its id."""
    database = Database(url, pool_size=1)
    try:
        async with database.transaction() as session:
            agent = await add_agent(session, AgentRow())
            return await add_number(session, agent, NumberRow(number=PATTERN))
    finally:
        await database.close()


def _multiply(
    connection: psycopg.Connection[tuple[object, ...]], table: str, own: Mapping[str, str], count: int
) -> None:
    """Copy the only row of a table so many times; `own` are the columns that differ, as SQL."""
    query = "SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = %s"
    names = [str(name) for (name,) in connection.execute(query, [table])]
    values = [own.get(name, f'pattern."{name}"') for name in names]
    columns = ", ".join(f'"{name}"' for name in names)
    rows = f"SELECT {', '.join(values)} FROM {table} pattern, generate_series(1, {count}) n"
    connection.execute(f"INSERT INTO {table} ({columns}) {rows}".encode())


async def _ask(urls: list[str], sizes: tuple[int, int], times: int) -> tuple[list[float], list[float]]:
    """Milliseconds of each lookup in the small and in the large database."""
    databases = [Database(url, pool_size=1) for url in urls]
    chance = random.Random(1)
    waits: tuple[list[float], list[float]] = ([], [])
    try:
        for turn in range(times + times // 10):
            for database, size, kept in zip(databases, sizes, waits, strict=True):
                number = f"+{FIRST + chance.randint(1, size)}"
                took = await _lookup(database, number)
                if turn >= times // 10:
                    kept.append(took)
    finally:
        for database in databases:
            await database.close()
    return waits


async def _lookup(database: Database, number: str) -> float:
    began = time.perf_counter()
    async with database.transaction() as session:
        lines = await phone_numbers.find_lines(session, [number])
    took = (time.perf_counter() - began) * 1000
    if [line.number for line in lines] != [number]:
        raise RuntimeError(f"{number} was not found.")
    return took
