"""A call over a veth pair: caller and deployment have addresses that aren't loopback."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.calling import SECOND, heard_words, missing, until, words
from tests.e2e.conftest import Say
from tests.e2e.product import Product, deployment
from tests.media.softphone import softphone
from tests.ports import free_port

pytestmark = pytest.mark.e2e

NEAR, FAR = "203.0.113.1", "203.0.113.2"  # RFC 5737: nobody's
NAMESPACE = f"oi-far-{os.getpid()}"
LINK = f"oi{os.getpid()}"
STEPS = (
    f"netns add {NAMESPACE}",
    f"link add {LINK} type veth peer name far netns {NAMESPACE}",
    f"address add {NEAR}/30 dev {LINK}",
    f"link set {LINK} up",
    f"-n {NAMESPACE} address add {FAR}/30 dev far",
    f"-n {NAMESPACE} link set far up",
    f"-n {NAMESPACE} link set lo up",
)


def ip(step: str) -> str:
    """What `ip` complains about; nothing when it could do it."""
    return subprocess.run(["ip", *step.split()], capture_output=True, text=True).stderr.strip()


@pytest.fixture(scope="module")
def far() -> Iterator[list[str]]:
    """The beginning of a command that runs at the far end of a veth pair."""
    if shutil.which("ip") is None:
        complaint = "iproute2 is not installed"
    else:
        complaint = next((f"ip {step}: {said}" for step in STEPS if (said := ip(step))), "")
    try:
        if complaint and os.environ.get("CI") != "true":
            pytest.skip(f"no network namespace could be made (that takes root): {complaint}")
        assert not complaint
        yield ["ip", "netns", "exec", NAMESPACE]
    finally:
        ip(f"link delete {LINK}")
        ip(f"netns delete {NAMESPACE}")


@pytest.fixture(scope="module")
def networked(product: Product, far: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """A deployment whose SIP and audio are on the near end, and which the far end may call."""
    listen = f"{NEAR}:{free_port()}"
    folder = tmp_path_factory.mktemp("networked")
    with deployment(
        folder, voice=product.voice_folder, sip_listen=listen, media_address=NEAR, trusted_sources=f"{FAR}/32"
    ) as running:
        yield running


def test_a_softphone_on_another_machine_talks_with_the_agent(
    networked: Product, far: list[str], say: Say, tmp_path: Path
) -> None:
    agent = networked.agent(
        ears="builtin", first_message="You have reached the right number. What do you want to know?"
    )
    number = networked.number(agent)
    says = SECOND * 5 + say("I want to buy seven green apples.") + SECOND * 30

    async def scene() -> set[str]:
        async with softphone(tmp_path, networked.sip, says, host=FAR, codec="pcmu", number=number, before=far) as phone:
            await until(lambda: asyncio.to_thread(answered), "the agent's answer", 40, every=0.2)
            await phone.hang_up()
            return await heard_words(phone.heard())

    def answered() -> bool:
        return any(len(call["messages"]) == 3 for call in networked.calls_to(number))

    assert not missing(asyncio.run(scene()), "reached", "right", "number", "said", "buy", "seven", "green", "apples")
    call = networked.ended_call(number)
    assert call["end_reason"] == "caller_hangup"
    assert not missing(words(call["messages"][1]["content"]), "buy", "seven", "green", "apples")
