"""Whole calls through the core, in bytes and virtual time."""

import pytest

from oneinbox.contracts.admission import Cause

OWNED = {"via", "max-forwards", "record-route", "route"}


def foreign(message):
    """The bytes of the headers that aren't the edge's, in order."""
    return [h.raw for h in message.headers if h.name not in OWNED and not h.name.startswith("x-oi-")]


def test_invite_is_tried_asked_and_forwarded(line, say):
    asked = line.hear(say.invite(extra="X-OI-Call-Id: forged\r\nx-oi-ticket : forged\r\n"))
    assert say.starts(asked) == ["100"]
    facts = next(a.facts for a in asked if hasattr(a, "facts"))
    assert (facts.dialled, facts.caller, facts.source_host, facts.sip_call_id) == (
        "15551234567",
        "+15550105678",
        "127.0.0.2",
        "c1",
    )
    ((seen, dest),) = say.sent(line.admit(say.key_of(asked)))
    assert dest == line.worker
    assert seen.uri == "sip:+15551234567@127.0.0.1:6001"
    assert seen.first("max-forwards") == "69"
    assert [h.value for h in seen.headers if h.name.startswith("x-oi-")] == ["call-1", "true-ticket"]
    top, theirs = [h.value for h in seen.all("via")]
    assert top.startswith("SIP/2.0/UDP 127.0.0.1:5060;branch=z9hG4bK")
    assert theirs.endswith(";received=127.0.0.2;rport=5070")
    assert (seen.first("record-route") or "").startswith("<sip:127.0.0.1:5060;lr;oi=")


ODD = (
    "v: SIP/2.0/UDP 10.0.0.9;branch=z9hG4bKother , SIP/2.0/TCP [2001:db8::1]:5061\r\n  ;branch=z9hG4bKfar\r\n"
    'P-Asserted-Identity: "A, \\"B\\"" <sip:+1@x>,\r\n\t<tel:+1>\r\nX-Odd  :   ;;,,  \r\n'
    "Subject:caf\xe9 \xff\x01\r\nk: 100rel,timer\r\nContact: <sip:second@h>;q=0.1\r\nX-OIL: stays\r\n"
)


def test_what_is_not_ours_leaves_byte_for_byte(line, say):
    original = say.invite(extra=ODD)
    seen = say.sent(line.admit(say.key_of(line.hear(original))))[0][0]
    for raw in foreign(seen):
        assert b"\r\n" + raw + b"\r\n" in original
    vias, others = ODD.encode("latin-1").partition(b"P-Asserted")[::2]
    left = b"\r\n".join(h.raw for h in seen.headers)
    assert vias in left + b"\r\n"
    assert b"P-Asserted" + others.rstrip(b"\r\n") in left
    assert seen.body == line.sdp


def test_response_goes_back_untouched_but_for_our_via(line, say):
    seen = line.begin()
    body = b"v=0\r\nanswer\x00\xff"
    back = say.answer(
        seen, 200, contact="<sip:w@127.0.0.1:6001>", body=body, extra="X-Foreign :  a,b\r\nX-OI-Ticket: t"
    )
    ((ok, dest),) = say.sent(line.hear(back, line.worker))
    assert dest == line.caller
    assert [h.value for h in ok.all("via")] == [
        "SIP/2.0/UDP 127.0.0.2:5070;branch=z9hG4bKa;received=127.0.0.2;rport=5070"
    ]
    assert ok.body == body
    assert b"X-Foreign :  a,b" in [h.raw for h in ok.headers]
    assert ok.first("x-oi-ticket") is None
    assert ok.first("contact") == "<sip:w@127.0.0.1:6001>"


@pytest.mark.parametrize("wanted", [True, False])
def test_keys_that_nobody_asked_for_are_taken_out(line, say, wanted):
    keys = b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:abc\r\n"
    asked = line.hear(say.invite(body=line.sdp + keys * wanted))
    seen = say.sent(line.admit(say.key_of(asked)))[0][0]
    ((ok, _), *_) = say.sent(line.hear(say.answer(seen, 200, body=line.sdp + keys), line.worker))
    assert ok.body == line.sdp + keys * wanted
    assert ok.first("content-length") == str(len(ok.body))
    again = line.hear(say.in_dialog("INVITE", ok, 2, "z9hG4bKre"))
    ((there, _),) = say.sent(again)
    ((back, _),) = say.sent(line.hear(say.answer(there, 200, body=line.sdp + keys), line.worker))
    assert back.body == line.sdp + keys, "an offer may name keys"


def test_a_whole_call_leaves_one_record_and_no_dialog(line, say):
    seen = line.begin()
    ringing = line.hear(say.answer(seen, 180), line.worker)
    assert say.starts(ringing) == ["180"]
    answered = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    (attempt,) = say.records(answered)
    assert (attempt.status, attempt.cause, attempt.call_id) == (200, Cause.ADMITTED, "call-1")
    assert attempt.ladder[0] == "0 ms ← 127.0.0.2:5070 INVITE sip:15551234567@edge.example SIP/2.0"
    assert len(attempt.ladder) == 7
    ok = say.sent(answered)[0][0]
    again = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    assert (say.starts(again), say.records(again)) == (["200"], [])
    ((ack, dest),) = say.sent(line.hear(say.in_dialog("ACK", ok, 1, "z9hG4bKack")))
    assert (ack.method, dest, ack.first("route"), ack.uri) == ("ACK", line.worker, None, "sip:w@127.0.0.1:6001")
    assert line.core.sizes()["dialogs"] == 1
    ((bye, dest),) = say.sent(line.hear(say.in_dialog("BYE", ok, 2, "z9hG4bKbye")))
    assert (bye.method, dest) == ("BYE", line.worker)
    ((done, dest),) = say.sent(line.hear(say.answer(bye, 200), line.worker))
    assert (done.status, dest, len(done.all("via"))) == (200, line.caller, 1)
    assert line.core.sizes()["dialogs"] == 0


@pytest.mark.parametrize("method", ["INVITE", "INFO", "UPDATE", "REFER", "PRACK", "MESSAGE", "NOTIFY"])
def test_requests_pass_both_ways_also_after_a_restart(line, say, method):
    seen = line.begin()
    ok = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))[0][0]
    for restarted in (False, True):
        if restarted:
            line.restart()
        ((there, dest),) = say.sent(line.hear(say.in_dialog(method, ok, 7, f"z9hG4bK{restarted}")))
        assert (there.method, dest) == (method, line.worker)
        ((back, dest),) = say.sent(line.hear(say.answer(there, 200), line.worker))
        assert (back.status, dest) == (200, line.caller)
        ((out, dest),) = say.sent(line.hear(say.from_worker(method, seen, 3, f"z9hG4bKw{restarted}"), line.worker))
        assert (out.method, dest, out.uri) == (method, line.caller, "sip:bob@127.0.0.2:5070")
        ((home, dest),) = say.sent(line.hear(say.answer(out, 200), line.caller))
        assert (home.status, dest) == (200, line.worker)


def test_a_name_in_contact_means_where_the_invite_came_from(line, say):
    seen = line.begin()
    line.hear(say.answer(seen, 200), line.worker)
    out = say.from_worker("BYE", seen, 1, target="sip:bob@pbx.internal;transport=udp")
    assert say.sent(line.hear(out, line.worker))[0][1] == line.caller


def test_x_oi_headers_are_stripped_inside_dialogs_too(line, say):
    ok = line.establish()
    ((there, _),) = say.sent(line.hear(say.in_dialog("INVITE", ok, 2, "z9hG4bKre", extra="X-OI-Ticket: forged\r\n")))
    assert there.first("x-oi-ticket") is None


def test_cancel_of_a_reinvite_has_its_branch(line, say):
    ok = line.establish()
    (re_invite, _), *_ = say.sent(line.hear(say.in_dialog("INVITE", ok, 2, "z9hG4bKre")))
    ((cancel, dest),) = say.sent(line.hear(say.in_dialog("CANCEL", ok, 2, "z9hG4bKre")))
    assert dest == line.worker
    assert cancel.first("via") == re_invite.first("via")


def test_a_repeated_invite_is_one_call(line, say):
    first = line.hear(say.invite())
    assert say.starts(line.hear(say.invite())) == ["100"]
    forwarded = line.admit(say.key_of(first))
    assert say.starts(forwarded) == ["INVITE"]
    repeated = line.hear(say.invite())
    assert say.starts(repeated) == ["100"]
    seen = say.sent(forwarded)[0][0]
    line.hear(say.answer(seen, 200), line.worker)
    line.now += 31
    late = line.hear(say.invite())
    assert say.starts(late) == ["200"]
    assert not [a for a in late if hasattr(a, "key")]


def test_the_same_invite_by_another_path_is_a_loop(line, say):
    line.hear(say.invite())
    merged = line.hear(say.invite(branch="z9hG4bKother"))
    assert say.starts(merged) == ["482"]
    assert [(one.status, one.cause) for one in say.records(merged)] == [(482, Cause.DUPLICATE)]
    assert say.records(line.hear(say.invite(branch="z9hG4bKother"))) == []


def test_compact_names_and_folds_make_the_same_call(line, say):
    compact = (
        b"INVITE sip:+15551234567@h SIP/2.0\r\n"
        b"v:SIP/2.0/UDP 127.0.0.2:5070\r\n ;branch=z9hG4bKc , SIP/2.0/UDP a;branch=b\r\n"
        b"f : sip:+15550105678@c;tag=1\r\nt\t: <sip:x@h>\r\ni: compact\r\n"
        b"cseq :  4\r\n INVITE\r\nm: <sip:b@[::1]:5>\r\nl : 0\r\n\r\n"
    )
    asked = line.hear(compact)
    seen, _ = say.sent(line.admit(say.key_of(asked)))[0]
    assert seen.first("max-forwards") == "70"
    assert [a.facts.caller for a in asked if hasattr(a, "facts")] == ["+15550105678"]
    assert b"i: compact" in [h.raw for h in seen.headers]
    ((ok, dest),) = say.sent(line.hear(say.answer(seen, 200), line.worker))
    assert dest[:2] == ("127.0.0.2", 5070)
    assert ok.all("via")[0].raw.startswith(b"v:SIP/2.0/UDP 127.0.0.2:5070\r\n ;branch=z9hG4bKc;received=127.0.0.2,")


@pytest.mark.parametrize(
    ("from_line", "extra", "caller"),
    [
        ("From: <sip:anonymous@anonymous.invalid>;tag=1", "P-Asserted-Identity: <sip:+1444@c>\r\n", "+1444"),
        (
            "From: <sip:anonymous@anonymous.invalid>;tag=1",
            "P-Asserted-Identity: <sip:+1444@c>\r\nPrivacy: id\r\n",
            None,
        ),
        ("From: <sip:Restricted@c>;tag=1", "", None),
        ("From: <sip:unavailable@c>;tag=1", "", None),
        ("From: <sip:266696687@c>;tag=1", "", None),
        ("From: <sip:c>;tag=1", "", None),
        ('From: "x <y" <sip:+1444;cpc=ordinary:secret@c>;tag=1', "", "+1444"),
        ("From: tel:+1444;tag=1", "", "+1444"),
    ],
)
def test_who_calls(line, say, from_line, extra, caller):
    asked = line.hear(say.invite(from_line=from_line, extra=extra))
    assert [a.facts.caller for a in asked if hasattr(a, "facts")] == [caller]


@pytest.mark.parametrize(
    ("uri", "dialled"),
    [
        ("sip:%2B15551234567@h", "+15551234567"),
        ("sip:15551234567:secret@h;user=phone", "15551234567"),
        ("tel:+15551234567;phone-context=x", "+15551234567"),
        ("sip:a%00b@h", "a\ufffdb"),
        ("sip:+1555@[2001:db8::1]:5060", "+1555"),
        ("sip:h.example", ""),
    ],
)
def test_what_was_dialled(line, say, uri, dialled):
    asked = line.hear(say.invite(uri=uri))
    assert [a.facts.dialled for a in asked if hasattr(a, "facts")] == [dialled]


def test_no_password_in_the_ladder(line, say):
    asked = line.hear(say.invite(uri="sip:1555:hunter2@h"))
    (attempt,) = say.records(line.refuse(say.key_of(asked)))
    assert "hunter2" not in repr(attempt)


def test_answers_go_to_the_port_in_via_without_rport(line, say):
    data = say.invite(via="nat.example:5099").replace(b";rport", b"")
    assert say.sent(line.hear(data))[0][1][:2] == ("127.0.0.2", 5099)
