"""SIP over TCP: framing, one connection both ways, limits, and calls through the core as a stream brings them."""

import asyncio
import datetime
import shutil
import ssl
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path
from time import process_time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from tests.edge.test_server import asking, free_port, served

from oneinbox.app.edge.server import Doors, listening_socket
from oneinbox.app.edge.streams import HANDSHAKE_SECONDS, LINGER_SECONDS, Room, Streams, TlsUnusable, tls_context
from oneinbox.contracts.admission import Cause, Refused
from oneinbox.edge.actions import Address
from oneinbox.edge.framing import MOST_BODY_BYTES, MOST_HEAD_BYTES, PING, PONG, Framer, Signal

CALLER = Address("127.0.0.2", 40000, "tcp")
SECURE = Address("127.0.0.2", 40001, "tls")


@pytest.fixture
def two(say):
    return say.invite(), say.invite(method="OPTIONS", body=b"", branch="z9hG4bKb")


@pytest.mark.parametrize("size", [1, 3, 7, 100, 100_000])
def test_messages_come_out_whole_however_they_come_in(two, size):
    stream = b"\r\n\r\n" + two[0] + two[1] + b"\r\n" + two[1] + b"\r\n\r\n" + two[0]
    framer, found = Framer(), []
    for place in range(0, len(stream), size):
        found += framer.feed(stream[place : place + size])
    assert [one for one in found if isinstance(one, bytes)] == [two[0], two[1], two[1], two[0]]
    assert found.count(Signal.PING) == (2 if size < len(stream) else 1)
    assert framer.is_empty


def test_all_pings_that_come_at_once_are_one(two):
    framer = Framer()
    assert framer.feed(b"\r\n\r\n" * 16_384 + two[0] + b"\r\n\r\n") == [Signal.PING, two[0]]
    assert framer.feed(b"\r\n\r") == []
    assert framer.feed(b"\n") == [Signal.PING]


def test_a_chunk_of_small_messages_is_copied_once():
    small = b"A a SIP/2.0\r\nl:0\r\n\r\n"
    framer, before = Framer(), process_time()
    assert framer.feed(small * 20_000) == [small] * 20_000
    few, before = process_time() - before, process_time()
    assert Framer().feed(small * 80_000) == [small] * 80_000
    assert process_time() - before < 10 * few


def test_pings_count_as_messages(line):
    stranger = line.stranger._replace(transport="tcp")
    answered = [line.hear(PING, stranger) for _ in range(100)]
    assert [say.data for one in answered for say in one] == [PONG] * 20
    assert line.hear(PING, line.stranger) == []
    assert [one.data for one in line.hear(PING, CALLER)] == [PONG]


@pytest.mark.parametrize(
    "data",
    [
        b"OPTIONS sip:a SIP/2.0\r\nl: 1\r\nContent-Length: 2\r\n\r\nabc",
        b"OPTIONS sip:a SIP/2.0\r\n\r\nbody",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: -5\r\n\r\n",
        b"OPTIONS sip:a SIP/2.0\r\nContent-Length: %d\r\n\r\n" % (MOST_BODY_BYTES + 1),
        b"x" * (MOST_HEAD_BYTES + 1),
    ],
)
def test_where_the_next_begins_nobody_knows_the_stream_ends(data):
    framer = Framer()
    assert framer.feed(data) == [data, Signal.LOST]
    assert framer.feed(data) == []
    assert framer.rest() == b""


def test_half_a_message_is_held_and_given_at_the_end(two):
    framer = Framer()
    assert framer.feed(two[0][:-5]) == []
    assert not framer.is_empty
    assert framer.rest() == two[0][:-5]


@pytest.mark.parametrize("caller", [CALLER, SECURE])
def test_a_call_over_a_stream(line, say, caller):
    name, port = caller.transport, 5061 if caller.transport == "tls" else 5060
    asked = line.hear(say.invite().replace(b"SIP/2.0/UDP", b"SIP/2.0/" + name.upper().encode()), caller)
    assert say.sent(asked)[0][1] == caller
    ((seen, dest),) = say.sent(line.admit(say.key_of(asked)))
    assert dest == line.worker
    assert seen.first("via").startswith("SIP/2.0/UDP 127.0.0.1:5060;")
    inner, outer = [header.value for header in seen.all("record-route")]
    assert inner.startswith("<sip:127.0.0.1:5060;lr;oi=")
    assert outer.startswith(f"<sip:127.0.0.1:{port};transport={name};lr;oi=")
    ((ok, dest), *_) = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))
    assert dest == caller
    routes = "".join(f"Route: {header.value}\r\n" for header in reversed(ok.all("record-route")))
    ((ack, dest),) = say.sent(line.hear(say.in_dialog("ACK", ok, 1, "z9hG4bKack", route=routes), caller))
    assert (ack.method, dest, ack.first("route")) == ("ACK", line.worker, None)
    sent = [action for action in line.hear(say.from_worker("BYE", seen, 1), line.worker) if hasattr(action, "dest")]
    assert sent[0].dest == caller
    assert sent[0].otherwise == Address("127.0.0.2", 5070, name)
    assert f"Via: SIP/2.0/{name.upper()} 127.0.0.1:{port};".encode() in sent[0].data


def test_a_caller_that_connects_anew_is_heard_there(line, say):
    asked = line.hear(say.invite(), CALLER)
    seen = say.sent(line.admit(say.key_of(asked)))[0][0]
    ok = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))[0][0]
    again = CALLER._replace(port=41000)
    line.hear(say.in_dialog("INFO", ok, 2, "z9hG4bKi"), again)
    ((_, dest),) = say.sent(line.hear(say.from_worker("INFO", seen, 1), line.worker))
    assert dest == again
    ((bye, dest),) = say.sent(line.core.worker_gone(line.worker, line.now))
    assert (bye.method, dest) == ("BYE", again)


def test_nothing_is_said_twice_on_a_stream(line, say):
    asked = line.hear(say.invite(), CALLER)
    line.refuse(say.key_of(asked), 480, Cause.PAUSED)
    assert say.starts(line.wait(40)) == []
    ok = line.begin(call_id="c2", branch="z9hG4bKc2")
    assert ok.method == "INVITE"


async def talk(data: bytes, wanted: int, *pieces: bytes) -> list[bytes]:
    """Write to an edge that refuses every call; the first words of the answers."""
    async with served(asking_nobody) as edge:
        reader, writer = await asyncio.open_connection("127.0.0.1", edge.address[1])
        for piece in (data, *pieces):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.05)
        said = b""
        async with asyncio.timeout(10):
            while said.count(b"SIP/2.0 ") + said.count(PONG * 2 + PONG) < wanted and not reader.at_eof():
                said += await reader.read(65536)
        writer.close()
        return [one[:3] for one in said.split(b"SIP/2.0 ")[1:]]


async def asking_nobody(*_: object) -> Refused:
    return Refused(480, Cause.NO_AGENT, "No.")


def test_several_messages_in_a_segment_and_one_in_pieces(two):
    answers = asyncio.run(talk(b"\r\n\r\n" + two[1] + two[1] + two[0][:200], 4, two[0][200:-9], two[0][-9:]))
    assert answers == [b"200", b"200", b"100", b"480"]


def test_what_cannot_be_framed_is_answered_and_the_connection_closed(two):
    async def scene() -> bytes:
        async with served(asking_nobody) as edge:
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.address[1])
            writer.write(two[1].replace(b"Content-Length: 0", b"Content-Length: x"))
            said = await asyncio.wait_for(reader.read(), 10)
            writer.close()
            return said

    assert asyncio.run(scene()).startswith(b"SIP/2.0 400 ")


def test_strangers_have_few_connections():
    async def scene() -> int:
        async with served(asking(Refused(480, Cause.NO_AGENT, "No.")), known="192.0.2.0/24") as edge:
            opened = [await asyncio.open_connection("127.0.0.1", edge.address[1]) for _ in range(15)]
            await asyncio.sleep(0.3)
            dead = [reader for reader, _ in opened if reader.at_eof() or reader.exception()]
            for _, writer in opened:
                writer.close()
            return len(dead)

    assert asyncio.run(scene()) == 5


def test_connections_are_counted_before_they_have_shaken_hands(certificate):
    doors = secured(certificate)

    async def scene() -> tuple[int, bytes]:
        async with served(asking_nobody, known="192.0.2.0/24", doors=doors) as edge:
            silent = [await asyncio.open_connection("127.0.0.1", doors.tls[0].port) for _ in range(10)]
            reader, writer = await asyncio.open_connection("127.0.0.1", edge.address[1])
            said = await asyncio.wait_for(reader.read(), 2)
            ended = await asyncio.wait_for(asyncio.gather(*(one.read() for one, _ in silent)), HANDSHAKE_SECONDS + 3)
            for _, one in [*silent, (reader, writer)]:
                one.close()
            return len(ended), said

    assert asyncio.run(scene()) == (10, b"")


def test_strangers_do_not_come_again_and_again():
    async def scene() -> list[bool]:
        sock = listening_socket(("127.0.0.1", 0), "a setting")
        streams = Streams(lambda message, peer: None, lambda host: False, Room(of_stranger=2, of_stranger_a_second=0.1))
        streams.listen(sock)
        came = []
        for _ in range(3):
            two = [await asyncio.open_connection(*sock.getsockname()[:2]) for _ in range(2)]
            await asyncio.sleep(0.1)
            came.append(len(streams) == 2)
            for _, writer in two:
                writer.close()
            await asyncio.sleep(LINGER_SECONDS + 0.2)
        await streams.close()
        sock.close()
        return came

    assert asyncio.run(scene()) == [True, True, False]


def test_there_is_room_for_as_many_connections_as_files_may_be_opened():
    code = (
        "import resource as r; r.setrlimit(r.RLIMIT_NOFILE, ({}, {})); "
        "from oneinbox.app.edge.streams import room_for; room = room_for(); "
        "print(room.in_all, room.of_strangers, r.getrlimit(r.RLIMIT_NOFILE)[0])"
    )
    for soft, hard, said in ((256, 4096, "2000 400 4096"), (256, 512, "312 156 512")):
        told = subprocess.run(
            [sys.executable, "-c", code.format(soft, hard)], capture_output=True, text=True, timeout=30
        )
        assert told.stdout.strip() == said, told.stderr


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for localhost, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(IPv4Address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    kept = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (folder / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, *kept))
    return folder / "cert.pem", folder / "key.pem"


def secured(certificate: tuple[Path, Path]) -> Doors:
    return Doors(tls=(Address("127.0.0.1", free_port(), "tls"), tls_context(*certificate)))


def test_tls_with_a_certificate_that_is_checked(certificate, two):
    doors = secured(certificate)
    trusting = ssl.create_default_context(cafile=str(certificate[0]))

    async def scene() -> bytes:
        async with served(asking_nobody, doors=doors):
            reader, writer = await asyncio.open_connection(
                "127.0.0.1", doors.tls[0].port, ssl=trusting, server_hostname="localhost"
            )
            writer.write(two[1])
            said = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
            writer.close()
            return said

    assert asyncio.run(scene()).startswith(b"SIP/2.0 200 ")


def test_a_key_that_is_not_the_certificates_is_named(certificate, tmp_path):
    for cert, key in ((certificate[0], certificate[0]), (tmp_path / "no", certificate[1])):
        with pytest.raises(TlsUnusable, match="ONEINBOX_SIP_TLS_CERT"):
            tls_context(cert, key)


@pytest.mark.skipif(shutil.which("baresip") is None, reason="baresip is not installed")
@pytest.mark.parametrize("transport", ["tcp", "tls"])
def test_baresip_calls_over_a_stream(tmp_path, certificate, transport):
    doors = secured(certificate)
    config = "sip_listen 127.0.0.1:0\nnet_interface 127.0.0.1\nmodule_path /usr/lib/baresip/modules\n"
    config += f"sip_cafile {certificate[0]}\nmodule g711.so\nmodule_app account.so\nmodule_app menu.so\n"
    (tmp_path / "config").write_text(config)
    (tmp_path / "contacts").touch()
    (tmp_path / "accounts").write_text(f"<sip:+15550105678@127.0.0.1;transport={transport}>;regint=0\n")

    async def scene() -> tuple[Cause, str]:
        async with served(asking_nobody, doors=doors) as edge:
            port = doors.tls[0].port if transport == "tls" else edge.address[1]
            process = await asyncio.create_subprocess_exec(
                *("baresip", "-4", "-f", str(tmp_path), "-t", "20"),
                *("-e", f"d sip:+15551234567@127.0.0.1:{port};transport={transport}"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.DEVNULL,
            )
            try:
                attempt = await edge.attempt()
                return attempt.cause, attempt.facts.dialled
            finally:
                process.kill()
                await process.wait()

    assert asyncio.run(scene()) == (Cause.NO_AGENT, "+15551234567")
