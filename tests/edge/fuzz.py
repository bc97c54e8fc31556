"""Fuzz targets for what strangers send: messages, streams, offers, credentials.

`make fuzz`, or `python -m tests.edge.fuzz TARGET [SECONDS]` with atheris installed, explores for that long and leaves
each input that raises in `tests/edge/corpus/TARGET`, where it becomes a regression test.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from oneinbox.contracts.admission import Admitted, WorkerRoute
from oneinbox.edge.actions import Address, Ask, EdgeConfig, Send
from oneinbox.edge.core import Edge
from oneinbox.edge.digest import login_of, parameters, proves
from oneinbox.edge.framing import Framer, Signal
from oneinbox.edge.message import Request, made, read, wire
from oneinbox.edge.outside import outward, reached
from oneinbox.edge.sdp import media_host, offered

CORPUS = Path(__file__).parent / "corpus"
SOURCE, WORKER = Address("127.0.0.9", 5060), Address("127.0.0.1", 6001)
SECONDS = 60


def message(data: bytes) -> None:
    """Whatever comes: no exception, and every answer is one that we'd read ourselves."""
    edge = Edge(EdgeConfig(Address("127.0.0.1", 5060), b"k" * 32, nonce_key=b"n" * 32), lambda host: True, lambda: True)
    for source in (SOURCE, Address("203.0.113.9", 5060, "tcp")):
        actions = edge.receive(data, source, 1.0)
        for ask in [action for action in actions if isinstance(action, Ask)]:
            route = WorkerRoute("w", WORKER.host, WORKER.port, {})
            actions += edge.decided(ask.key, Admitted("c", "+1555", (route,)), 1.0)
        for action in actions:
            if isinstance(action, Send):
                assert wire(read(action.data)) == action.data
    edge.receive(data, WORKER, 1.1)
    while (due := edge.next_timer()) is not None:
        edge.tick(due)
    assert edge.sizes()["invites"] == 0


def stream(data: bytes) -> None:
    """However a stream is cut, the same messages come out, and no byte is held for ever."""
    whole, pieces = Framer(), Framer()
    at_once = whole.feed(data)
    bit_by_bit = [one for byte in data for one in pieces.feed(bytes([byte]))]
    if Signal.LOST not in at_once:
        assert [one for one in bit_by_bit if isinstance(one, bytes)] == [
            one for one in at_once if isinstance(one, bytes)
        ]


def sdp(data: bytes) -> None:
    """Offers are read, and addresses in them swapped."""
    assert all(len(name) <= 40 for name in offered(data))
    host = media_host(data)
    request = Request([made("Content-Type", "application/sdp"), made("Content-Length", "0")], data, "INVITE", "sip:a")
    outward(request, host or "10.0.0.1", "edge.example", "192.0.2.1")
    reached(request, "203.0.113.9")


def digest(data: bytes) -> None:
    """Credentials prove nothing unless they are right."""
    text = data.decode("latin-1").replace("\r", "").replace("\n", "")
    said = parameters(text)
    assert said is None or all(isinstance(value, str) for value in said.values())
    login = login_of(Request([made("Authorization", text)], b"", "INVITE", "sip:1@h"))
    assert login is None or not proves(login, "carrier", "a password that no corpus holds")


TARGETS: Mapping[str, Callable[[bytes], None]] = {"message": message, "stream": stream, "sdp": sdp, "digest": digest}


def main() -> None:
    """Explore one target."""
    import atheris  # noqa: PLC0415 - only here, and not among the packages that the tests need

    name, seconds = sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else str(SECONDS)
    folder = CORPUS / name
    options = [f"-max_total_time={seconds}", "-max_len=4096", f"-artifact_prefix={folder}/", "-print_final_stats=1"]
    atheris.instrument_all()
    with tempfile.TemporaryDirectory() as found:
        atheris.Setup([sys.argv[0], *options, found, str(folder)], TARGETS[name])
        atheris.Fuzz()


if __name__ == "__main__":
    main()
