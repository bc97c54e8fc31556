"""How many INVITEs the edge can decide on one core: its core alone, and its whole process with admission."""

import time
from collections.abc import Iterator
from functools import partial

from tests.e2e.product import Product
from tests.edge.conftest import Line, invite, key_of

from bench import machine
from bench.callers import Call, Exchange, Script, until
from bench.figures import Figure
from bench.world import World

TOGETHER = 16
UNKNOWN = "+12025550000"


def measure(world: World) -> list[Figure]:
    """CPU time a decision takes, as decisions a second of one core."""
    count = world.times(20_000, 500)
    figures = [
        Figure("the edge's core, refused", _core(count, admitted=False), "INVITE/s·core", count, note=_CORE),
        Figure("the edge's core, admitted", _core(count, admitted=True), "INVITE/s·core", count, note=_CORE),
    ]
    with world.deployed() as product:
        asked = world.times(3000, 100)
        _invite(product, UNKNOWN, asked // 10)
        edge, everything, per_second = _invite(product, UNKNOWN, asked)
    note = (
        f"404 of an unknown number, with the lookup and its record; {per_second:.0f} a second at concurrency {TOGETHER}"
    )
    return [
        *figures,
        Figure("the edge's process, with admission", asked / edge, "INVITE/s·core", asked, note=note),
        Figure("the same with PostgreSQL's CPU time", asked / everything, "INVITE/s·core", asked),
    ]


_CORE = "bytes in, decision, bytes out, in process; no socket, no database"


def _core(count: int, *, admitted: bool) -> float:
    """Decisions a second of CPU time; old transactions are let go as time passes."""
    line = Line()
    wires = [invite(call_id=f"bench{n}", branch=f"z9hG4bKbench{n}") for n in range(count)]
    began = time.process_time()
    for wire in wires:
        line.now += 0.01
        line.core.tick(line.now)
        key = key_of(line.hear(wire))
        if admitted:
            line.admit(key)
        else:
            line.refuse(key)
    return count / (time.process_time() - began)


def _invite(product: Product, number: str, count: int) -> tuple[float, float, float]:
    """Ask for a number so many times: CPU seconds of the edge, of edge and database, and answers a second."""
    exchange = Exchange(product.sip)
    supervisor = machine.supervisor()
    left = iter(range(count))
    before, began = machine.cpu_seconds(supervisor), time.monotonic()
    try:
        for _ in range(TOGETHER):
            exchange.add(_caller(exchange, number, left))
        exchange.run(600)
        lasted = time.monotonic() - began
        _until_recorded(product, number)
    finally:
        exchange.close()
    after = machine.cpu_seconds(supervisor)
    edge, database = (after[role] - before[role] for role in ("edge", "postgres"))
    return edge, edge + database, count / lasted


def _caller(exchange: Exchange, number: str, left: Iterator[int]) -> Script:
    for _ in left:
        call = exchange.call(number)
        yield from until(partial(_decided, call), 10)
        exchange.forget(call)


def _decided(call: Call) -> bool:
    return call.status > 0


def _until_recorded(product: Product, number: str) -> None:
    """Until no more records are written."""
    query, before = "SELECT count(*) FROM attempts WHERE dialled = %s", -1
    while True:
        ((now,),) = product.rows(query, number)
        if now == before:
            return
        before = now
        time.sleep(1.0)
