"""Read endpoints beside a bare FastAPI handler that asks the same database for the same rows, in the same run."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import repeat

from tests.e2e.product import Product
from tests.ports import free_port

from bench import http
from bench.bare import DRIVERS
from bench.figures import Figure, Target
from bench.register import address_of, authorization
from bench.statistics import percentile
from bench.world import World
from oneinbox.kit.db import libpq_url
from oneinbox.kit.postgres import EmbeddedPostgres

CONNECTIONS = 8
ROUNDS = 5
NUMBERS = 60


def measure(world: World) -> list[Figure]:
    """Both are asked in turn, round by round; the median round counts."""
    with world.deployed() as product:
        agent = product.agent("We are open.")
        for _ in range(NUMBERS):
            product.number(agent)
        with ExitStack() as open_bare:
            ports = {driver: open_bare.enter_context(_bare(product, driver)) for driver in DRIVERS}
            return [
                _compare(product, (driver, port), what, path, rival, world.times(400, 50))
                for what, path, rival in _endpoints(product, agent)
                for driver, port in ports.items()
            ]


def _endpoints(product: Product, agent: str) -> list[tuple[str, str, str]]:
    """What is read, the product's path, and the yardstick's."""
    ((workspace,),) = product.rows("SELECT workspace_id FROM agents WHERE id = %s", agent)
    number = product.ask("GET", "/v1/phone-numbers?limit=1")["items"][0]["id"]
    return [
        ("one number", f"/v1/phone-numbers/{number}", f"/{workspace}/phone_numbers/{number}"),
        ("20 numbers of 60", "/v1/phone-numbers?limit=20", f"/{workspace}/phone_numbers?limit=20"),
        ("one agent", f"/v1/agents/{agent}", f"/{workspace}/agents/{agent}"),
    ]


def _compare(product: Product, yardstick: tuple[str, int], what: str, path: str, rival: str, times: int) -> Figure:
    driver, port = yardstick
    ours = (address_of(product), http.request("GET", path, headers=authorization(product)))
    bare = (("127.0.0.1", port), http.request("GET", rival, headers={}))
    ratios, rates, rivals = [], [], []
    for address, asked in (ours, bare):
        http.ask(address, repeat(asked, times // 5), CONNECTIONS)
    for _ in range(ROUNDS):
        mine = http.ask(ours[0], repeat(ours[1], times), CONNECTIONS)
        other = http.ask(bare[0], repeat(bare[1], times), CONNECTIONS)
        if not (mine.only(200) and other.only(200)):
            raise RuntimeError(f"{what}: {mine.statuses} and {other.statuses} instead of 200 only")
        ratios.append(mine.per_second / other.per_second)
        rates.append(mine.per_second)
        rivals.append(other.per_second)
    note = f"{percentile(rates, 0.5):.0f} a second beside {percentile(rivals, 0.5):.0f}; {CONNECTIONS} connections"
    name = f"GET {what}: requests a second, as a multiple of the bare handler's over {driver}"
    return Figure(name, percentile(ratios, 0.5), "×", times * ROUNDS, Target(0.7, "≥"), note=note)


@contextmanager
def _bare(product: Product, driver: str) -> Iterator[int]:
    """The yardstick's process, on a port of its own."""
    url, port = libpq_url(EmbeddedPostgres(product.data_dir).owner_url), free_port()
    command = [sys.executable, "-m", "bench.bare", str(port), driver]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, text=True)
    assert process.stdin is not None
    try:
        print(url, file=process.stdin, flush=True)
        _until_heard(port)
        yield port
    finally:
        process.terminate()
        process.wait()


def _until_heard(port: int) -> None:
    latest = time.monotonic() + 20
    while True:
        try:
            http.ask(("127.0.0.1", port), [http.request("GET", "/-/-", headers={})], 1)
        except OSError:
            if time.monotonic() > latest:
                raise
            time.sleep(0.1)
        else:
            return
