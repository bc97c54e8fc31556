"""The bench's arithmetic and parsers, so that its figures can be believed."""

import math
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import numpy as np
import pytest
from bench.__main__ import ON_REQUEST, PARTS
from bench.callers import Call, Packet
from bench.calls import edge_ms
from bench.figures import Figure, Target, table
from bench.statistics import jitter_ms, mean, percentile, word_errors, words
from bench.voices import spoken_form

from bench import g711, http, machine, sip


def test_percentiles_lie_between_neighbours() -> None:
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile([1.0, 2.0, 3.0], 1.0) == 3.0
    assert percentile([7.0], 0.95) == 7.0
    assert math.isnan(percentile([], 0.5))
    assert math.isnan(mean([]))


def test_even_packets_have_no_jitter_and_uneven_ones_what_the_rfc_says() -> None:
    even = [(n * 0.02, n * 160) for n in range(50)]
    assert max(jitter_ms(even)) == pytest.approx(0, abs=1e-6)
    late = [(n * 0.02 + 0.016 * (n == 1), n * 160) for n in range(3)]
    assert jitter_ms(late) == pytest.approx([1.0, 1.0 + (16 - 1.0) / 16])
    wrapped = [(0.0, 2**32 - 160), (0.02, 0)]
    assert jitter_ms(wrapped) == pytest.approx([0.0])


@pytest.mark.parametrize(
    ("said", "heard", "errors"), [("a b c", "a b c", 0), ("a b c", "a x c", 1), ("a b c", "a c", 1), ("a", "b a c", 2)]
)
def test_word_errors_are_the_fewest_edits(said: str, heard: str, errors: int) -> None:
    assert word_errors(said.split(), heard.split()) == errors


def test_words_are_compared_as_they_are_said() -> None:
    assert words("Don't, stop!") == ["dont", "stop"]
    assert spoken_form("It costs $85.", lambda word: True) == spoken_form("it costs 85 dollars", lambda word: True)


def test_the_table_says_what_is_short_and_how_the_rival_did() -> None:
    rows = [
        Figure("set-up, p95", 120.0, "ms", 20, Target(100)),
        Figure("errors", 3.0, "%", 50, rival=("other", 6.0)),
        Figure("rate", 0.8, "×", 9, Target(0.7, "≥")),
    ]
    lines = table(rows).splitlines()
    assert "≤ 100 SHORT" in lines[2]
    assert "other 6 (ours 0.50 ×)" in lines[3]
    assert "≥ 0.7 met" in lines[4]
    assert len({len(line) for line in lines}) == 1


def test_mu_law_keeps_the_sound_and_its_bounds() -> None:
    tone = (np.sin(np.arange(480)) * 8000).astype("<i2")
    assert np.abs(g711.decode(g711.encode(tone.tobytes()))[:480].astype(int) - tone).max() <= 150
    assert len(g711.encode(b"\0\0")) == g711.BLOCK
    assert g711.first_loud(g711.SILENCE) is None
    block = g711.encode(np.where(np.arange(160) // 10 == 5, 3000, 0).astype("<i2").tobytes())
    assert (g711.first_loud(block), g711.last_loud(block)) == (50, 59)


def test_the_answer_begins_with_its_first_sound_of_two_blocks() -> None:
    loud, click = g711.encode(b"\x00\x20" * 160), g711.encode(b"\x00\x20" + bytes(318))
    call = Call(sip.Dialog("+1", "c", ("127.0.0.1", 1), ("127.0.0.1", 2), 3), phase=0)
    for index, payload in enumerate((loud, g711.SILENCE, click, g711.SILENCE, loud, loud)):
        call.hear(Packet(10 + index * 0.02, index * 160, index, payload))
    assert call.onset(10.01) == pytest.approx(10.08)


def test_a_caller_follows_the_route_of_the_answer() -> None:
    dialog = sip.Dialog("+15550100001", "c1", ("127.0.0.1", 5070), ("127.0.0.1", 5060), 4000)
    invited = sip.read(dialog.invite())
    assert (invited.method, invited.call_id, invited.audio_port) == ("INVITE", "c1", 4000)
    ok = (
        "SIP/2.0 200 OK\r\nRecord-Route: <sip:two;lr>\r\nRecord-Route: <sip:one;lr>\r\nTo: <sip:x@y>;tag=t9\r\n"
        "Contact: <sip:worker@127.0.0.1:7000>\r\nCSeq: 1 INVITE\r\nCall-ID: c1\r\n\r\nv=0\r\nm=audio 6000 RTP/AVP 0\r\n"
    )
    answered = sip.read(ok.encode())
    assert (answered.status, answered.audio_port) == (200, 6000)
    dialog.answered(answered)
    bye = sip.read(dialog.bye())
    assert bye.start == "BYE sip:worker@127.0.0.1:7000 SIP/2.0"
    assert bye.headers["route"] == ["<sip:one;lr>", "<sip:two;lr>"]
    assert bye.headers["to"][0].endswith(";tag=t9")
    assert sip.read(sip.agree(bye)).status == 200


def test_the_ladder_tells_the_time_in_the_edge() -> None:
    ladder = [
        "0 ms < 127.0.0.1:1 INVITE sip:x SIP/2.0",
        "0 ms > 127.0.0.1:1 SIP/2.0 100 Trying",
        "12 ms > 127.0.0.1:2 INVITE sip:x SIP/2.0",
        "40 ms < 127.0.0.1:2 SIP/2.0 200 OK",
        "41 ms > 127.0.0.1:1 SIP/2.0 200 OK",
    ]
    assert edge_ms(ladder) == (13, 41)
    assert edge_ms(ladder[:2]) is None


def test_processes_are_told_apart_by_what_they_run() -> None:
    assert machine.role("/usr/bin/python -m oneinbox voice --index 0") == "voice"
    assert machine.role("/usr/bin/python -m oneinbox up --no-demo") == "supervisor"
    assert machine.role("/x/postgres -D data") == "postgres"
    assert machine.role("postgres: checkpointer") == "postgres"
    assert machine.role("python -m bench") == "other"
    assert machine.facts()[0].startswith("cores: ")


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201 if b"1" in body else 422)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is logged."""


def test_requests_are_counted_by_their_answers() -> None:
    server = HTTPServer(("127.0.0.1", 0), _Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        asked = [http.request("POST", "/", headers={}, body={"n": n}) for n in (1, 2, 1)]
        answers = http.ask(("127.0.0.1", server.server_port), asked, 1)
    finally:
        server.shutdown()
        server.server_close()
    assert answers.statuses == {201: 2, 422: 1}
    assert not answers.only(201)
    assert len(answers.seconds) == 3


def test_every_part_can_be_named() -> None:
    assert not set(PARTS) & set(ON_REQUEST)
    assert all(name.isalpha() for name in PARTS | ON_REQUEST)
