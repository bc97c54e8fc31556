"""Exactly one record an INVITE; what is never read is counted."""

import pytest

from oneinbox.contracts.admission import Cause
from oneinbox.edge.sdp import offered


def test_silenced_strangers_are_counted(line, say):
    heard = [line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}"), line.stranger) for n in range(100)]
    assert len([1 for actions in heard if actions]) == 20
    (attempt,) = [one for one in say.records(line.wait(11)) if one.cause is Cause.LIMIT]
    assert (attempt.count, attempt.status, attempt.facts.source_host) == (80, 0, line.stranger[0])
    assert attempt.reason == "80 messages were dropped unread, because too many came or they were too long."


def test_all_strangers_together_are_heard_so_much_and_proofs_besides(make_line, say):
    line = make_line(strangers_per_second=100)
    plain = [
        line.hear(say.invite(method="OPTIONS", body=b""), (f"198.51.{n // 200}.{n % 200}", 5060)) for n in range(900)
    ]
    assert len([1 for actions in plain if actions]) == 200
    proof = say.invite(method="OPTIONS", body=b"", extra="Authorization: Digest x=y\r\n")
    assert line.hear(proof, ("192.0.2.1", 5060)) != []
    assert line.hear(say.invite(method="OPTIONS", body=b"")) != []


def test_a_source_may_begin_so_many_calls_a_second(make_line, say):
    line = make_line(invites_per_second=10)
    actions = [line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}")) for n in range(30)]
    assert [say.starts(one) for one in actions] == [["100"]] * 20 + [["503"]] * 10
    refused = [attempt for one in actions for attempt in say.records(one)]
    assert {(one.cause, one.status) for one in refused} == {(Cause.LIMIT, 503)}
    assert len(refused) == 10
    line.now += 1
    assert say.starts(line.hear(say.invite(call_id="later", branch="z9hG4bKlater"))) == ["100"]


def test_a_known_sources_flood_is_dropped_unread(make_line, say):
    line = make_line(known_per_second=50)
    heard = [line.hear(say.invite(method="OPTIONS", body=b"")) for _ in range(150)]
    assert len([1 for one in heard if one]) == 100
    assert say.records(line.core.close(line.now))[0].count == 50


def test_noise_is_counted_and_keepalives_and_answers_are_not(line, say):
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"\x00\x01junk", b"\r\n\r\n", b"", b"SIP/2.0 junk\r\n\r\n"):
        assert line.hear(data) == []
    (attempt,) = say.records(line.wait(11))
    assert (attempt.count, attempt.cause, attempt.status) == (2, Cause.MALFORMED, 0)


def test_strangers_without_room_are_counted(make_line, say):
    line = make_line(max_stranger_invites=2)
    for n in range(5):
        line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}"), line.stranger)
    (crowded,) = [one for one in say.records(line.core.close(line.now)) if one.count > 1]
    assert (crowded.count, crowded.cause) == (3, Cause.OVERLOAD)


def test_more_sources_than_there_is_room_for_are_counted_together(make_line, say):
    line = make_line(max_tallied=5)
    for n in range(50):
        line.hear(b"noise", (f"198.51.100.{n}", 5060))
    records = say.records(line.core.close(line.now))
    assert sum(one.count for one in records) == 50
    assert len(records) == 6
    assert line.core.sizes()["tally"] == 0


def test_a_stop_leaves_no_invite_without_an_answer_and_a_record(line, say):
    asked = line.hear(say.invite(call_id="asked", branch="z9hG4bKasked"))
    line.begin(call_id="tried", branch="z9hG4bKtried")
    line.establish(call_id="talks", branch="z9hG4bKtalks")
    stopped = line.core.close(line.now)
    assert [start for start in say.starts(stopped) if start == "503"] == ["503", "503"]
    assert [(one.cause, one.facts.sip_call_id) for one in say.records(stopped)] == [(Cause.UNAVAILABLE, "tried")]
    (late,) = say.records(line.admit(say.key_of(asked)))
    assert (late.call_id, late.status) == ("call-1", 503)
    assert line.core.sizes()["dialogs"] == 1


def test_a_refused_offer_says_what_was_offered(line, say):
    body = b"v=0\r\nm=audio 9 RTP/AVP 18 96 77\r\na=rtpmap:96 telephone-event/8000\r\nm=audio 9 RTP/AVP 0\r\n"
    asked = line.hear(say.invite(body=body))
    seen = say.sent(line.admit(say.key_of(asked)))[0][0]
    (attempt,) = say.records(line.hear(say.answer(seen, 488), line.worker))
    assert attempt.unmatched == "G729/8000, telephone-event/8000, 77"
    assert attempt.reason.endswith("Offered: G729/8000, telephone-event/8000, 77.")


@pytest.mark.parametrize(
    ("body", "names"),
    [
        (b"", ()),
        (b"v=0\r\nm=video 9 RTP/AVP 96\r\n", ()),
        (b"v=0\nm=audio 9 RTP/AVP 0 8\na=rtpmap:0 PCMU/8000\n", ("PCMU/8000", "PCMA/8000")),
        (b"m=audio 0 RTP/AVP \r\nm=audio 7 RTP/SAVP 9\r\n", ("G722/8000",)),
        (b"\xff\x00m=audio 1 RTP/AVP 0", ()),
    ],
)
def test_offers(body, names):
    assert offered(body) == names
