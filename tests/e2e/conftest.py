"""One deployment with two voice workers for all end-to-end tests, and its log beside each failure."""

import asyncio
import os
import shutil
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from tests.e2e.calling import sipp
from tests.e2e.product import Product, deployment, excerpt
from tests.e2e.scenarios import LISTEN

from oneinbox.adapters.speech.builtin import synthesis

Say = Callable[[str], bytes]
SHORTEST_LIMIT = 30


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """Everything runs, and calls from 127.0.0.1 are answered."""
    missing = [program for program in ("sipp", "baresip") if shutil.which(program) is None]
    if missing and os.environ.get("CI") != "true":
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert not missing
    with deployment(tmp_path_factory.mktemp("product"), voice_workers="2") as running:
        yield running


@pytest.fixture(scope="session")
def say(product: Product) -> Iterator[Say]:
    """A caller's voice: text as speech, s16le mono at 8 kHz."""
    voice = synthesis.load(product.voice_folder)

    def spoken(text: str) -> bytes:
        return asyncio.run(voice.synthesise(text))

    yield spoken
    voice.close()


@dataclass(frozen=True)
class LongCall:
    """A call to a number that says nothing, until its agent hangs up; for how long something came, in seconds."""

    number: str
    heard_for: "Future[float]"


@pytest.fixture(scope="session")
def long_call(product: Product, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LongCall]:
    """A call that goes on while other tests run, up to the shortest limit that an agent may have."""
    agent = product.agent(max_duration_seconds=SHORTEST_LIMIT, silence_timeout_seconds=0)
    number = product.number(agent)

    async def scene() -> float:
        async with sipp(tmp_path_factory.mktemp("long"), product, LISTEN, number) as caller:
            await caller.done(SHORTEST_LIMIT + 10)
            return len(caller.phone.pcm) / 16000

    with ThreadPoolExecutor(1) as background:
        yield LongCall(number, background.submit(lambda: asyncio.run(scene())))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for running in {id(one): one for one in item.funcargs.values() if isinstance(one, Product)}.values():  # type: ignore[attr-defined]
            report.sections.append(("log of the deployment", excerpt(running.log, 0)))
    return report
