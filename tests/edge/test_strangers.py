"""What outsiders can't do: relay, forge, learn, fill the memory."""

import re

import pytest

from oneinbox.contracts.admission import Cause
from oneinbox.edge.core import Edge

VICTIM = ("203.0.113.9", 5060)


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER", "MESSAGE", "BYE", "CANCEL", "INFO"])
@pytest.mark.parametrize("uri", ["sip:15551234567@h", "gopher:x", "sip:nobody@other.example"])
def test_strangers_hear_403_to_everything(line, say, method, uri):
    ((refused, dest),) = say.sent(line.hear(say.invite(method=method, uri=uri, body=b""), line.stranger))
    assert (refused.status, dest) == (403, line.stranger)


@pytest.mark.parametrize(
    "spoil", [{"uri": "gopher:x"}, {"hops": 0}, {"extra": "Proxy-Require: x\r\n"}, {"extra": "To: x\r\n"}]
)
def test_strangers_learn_nothing_from_their_mistakes(line, say, spoil):
    actions = line.hear(say.invite(**spoil), line.stranger)
    assert say.starts(actions) == ["403"]
    assert len(say.records(actions)) == 1


def test_the_403_has_one_shape_whatever_the_number(line, say):
    shapes = set()
    for number in ("15551234567", "999"):
        asked = line.hear(
            say.invite(uri=f"sip:{number}@h", call_id=f"id{number}", branch=f"z9hG4bK-{number}"), line.stranger
        )
        actions = line.refuse(say.key_of(asked), 403, Cause.SOURCE_NOT_ALLOWED)
        data = next(a.data for a in actions if hasattr(a, "data"))
        shapes.add(re.sub(rb";tag=[0-9a-f]{16}|(?:id|K-)" + number.encode(), b"", data))
    assert len(shapes) == 1


@pytest.mark.parametrize(
    ("spoil", "status"),
    [
        ({"hops": 0}, 483),
        ({"uri": "gopher:x"}, 416),
        ({"uri": "sip:1@h?Route=x"}, 400),
        ({"extra": "Proxy-Require: magic\r\n"}, 420),
        ({"extra": "To: <sip:twice@h>\r\n"}, 400),
        ({"extra": "Content-Length: 9999\r\n"}, 400),
        ({"extra": "no colon here\r\n"}, 400),
    ],
)
def test_known_sources_hear_what_is_wrong(line, say, spoil, status):
    actions = line.hear(say.invite(**spoil))
    assert say.starts(actions) == [str(status)]
    (attempt,) = say.records(actions)
    assert (attempt.status, attempt.cause) == (status, Cause.MALFORMED)
    assert say.records(line.hear(say.invite(**spoil))) == []


def test_known_sources_may_ask_for_options(line, say):
    ((ok, _),) = say.sent(line.hear(say.invite(method="OPTIONS", body=b"")))
    assert ok.status == 200
    assert "INVITE" in ok.first("allow")
    assert ok.first("accept") == "application/sdp"
    ((no, _),) = say.sent(line.hear(say.invite(method="REGISTER", body=b"")))
    assert (no.status, no.first("allow")) == (405, ok.first("allow"))


def test_strangers_are_heard_a_little_and_then_not(line, say):
    heard = [
        bool(line.hear(say.invite(method="OPTIONS", branch=f"z9hG4bK{n}", body=b""), line.stranger)) for n in range(100)
    ]
    assert heard == [True] * 20 + [False] * 80
    assert line.hear(b"\x00" * 500, line.stranger) == []
    assert line.hear(say.invite(method="OPTIONS", body=b"")) != []
    line.now += 1
    assert line.hear(say.invite(method="OPTIONS", body=b""), line.stranger) != []


def relayed(line, say, data, source):
    return [m for m, dest in say.sent(line.hear(data, source)) if dest != source]


def test_the_edge_is_no_relay(line, say):
    ok = line.establish()
    stolen = f"Route: {ok.first('record-route')}\r\n"
    forged = stolen.replace("oi=3", "oi=4")
    other = f"Route: <sip:{VICTIM[0]};lr>\r\n"
    attempts = [
        say.in_dialog("MESSAGE", ok, 2, "z9hG4bK1", route=other),
        say.in_dialog("MESSAGE", ok, 2, "z9hG4bK2", route=forged),
        say.in_dialog(
            "MESSAGE", ok, 2, "z9hG4bK3", route=f"Route: <sip:127.0.0.1:5060;lr;oi={VICTIM[0].encode().hex()}-00>\r\n"
        ),
        say.in_dialog("MESSAGE", ok, 2, "z9hG4bK4", route="Route: <sip:127.0.0.1:5060;lr;oi=é-é>\r\n"),
        say.invite(method="MESSAGE", uri="sip:victim@203.0.113.9", body=b"", branch="z9hG4bK6"),
        say.invite(method="MESSAGE", extra=stolen, call_id="another", to_tag=";tag=w1", body=b"", branch="z9hG4bK7"),
    ]
    for data in attempts:
        assert relayed(line, say, data, line.stranger) == []
        ((refused, _),) = say.sent(line.hear(data))
        assert refused.status in (481, 405)
        assert line.hear(data.replace(b"MESSAGE", b"ACK")) == []


def test_without_a_route_a_dialogs_own_sides_are_known(line, say):
    ok = line.establish()
    data = say.in_dialog("MESSAGE", ok, 2, "z9hG4bK5", route="")
    ((_, dest),) = say.sent(line.hear(data))
    assert dest == line.worker
    ((_, dest),) = say.sent(line.hear(data.replace(b"z9hG4bK5", b"z9hG4bK6"), line.caller._replace(port=9)))
    assert dest == line.worker
    for source in (line.stranger, line.second._replace(host="127.0.0.77")):
        assert relayed(line, say, data, source) == []
    ((refused, _),) = say.sent(line.hear(data.replace(b";tag=w1", b";tag=other")))
    assert refused.status == 481


def test_a_true_token_leads_to_its_worker_only(line, say):
    ok = line.establish()
    data = say.in_dialog("MESSAGE", ok, 2, "z9hG4bK1", extra=f"Route: <sip:{VICTIM[0]};lr>\r\n")
    ((_, dest),) = say.sent(line.hear(data.replace(b"sip:w@127.0.0.1:6001", b"sip:v@203.0.113.9"), line.stranger))
    assert dest == line.worker


def test_a_token_does_not_save_a_new_invite_from_admission(line, say):
    ok = line.establish()
    data = say.invite(
        extra=f"Route: {ok.first('record-route')}\r\n", call_id=ok.first("call-id"), branch="z9hG4bKn", cseq=9
    )
    asked = line.hear(data)
    assert say.starts(asked) == ["100"]
    seen = say.sent(line.admit(say.key_of(asked)))[0][0]
    assert seen.first("route") is None


def test_responses_are_no_relay_either(line, say):
    seen = line.begin()
    forged = say.answer(seen, 200)
    assert line.hear(forged, line.stranger) == []
    assert line.hear(forged, line.caller) == []
    unknown = re.sub(rb"z9hG4bKoi[0-9a-f]+", b"z9hG4bKoi00", forged)
    assert line.hear(unknown, line.worker) == []
    assert say.starts(line.hear(forged, line.worker)) == ["200"]


def test_answers_inside_a_dialog_come_from_its_worker_only(line, say):
    ok = line.establish()
    info = say.sent(line.hear(say.in_dialog("INFO", ok, 2, "z9hG4bKi")))[0][0]
    assert line.hear(say.answer(info, 200), line.stranger) == []
    assert line.hear(say.answer(info, 200), line.second) == []
    assert say.starts(line.hear(say.answer(info, 200), line.worker)) == ["200"]


def test_a_cancel_from_elsewhere_ends_nothing(line, say):
    line.begin()
    assert say.starts(line.hear(say.invite(method="CANCEL", body=b""), ("127.0.0.9", 5070))) == ["481"]


def test_memory_is_bounded(make_line, say):
    line = make_line(max_invites=50, max_stranger_invites=10, max_sources=30, max_relayed=20, max_dialogs=5)
    for n in range(200):
        line.hear(say.invite(call_id=f"s{n}", branch=f"z9hG4bKs{n}"), (f"198.51.100.{n}", 5060))
    assert line.core.sizes()["invites"] == 10
    assert line.core.sizes()["sources"] == 30
    for n in range(100):
        actions = line.hear(say.invite(call_id=f"k{n}", branch=f"z9hG4bKk{n}"))
    assert line.core.sizes()["invites"] == 50
    assert say.starts(actions) == ["503"]
    assert say.records(actions)[0].cause is Cause.OVERLOAD
    line.wait(40)
    for n in range(20):
        ok = line.establish(call_id=f"d{n}", branch=f"z9hG4bKd{n}")
        for m in range(3):
            line.hear(say.in_dialog("INFO", ok, 2 + m, f"z9hG4bKi{n}.{m}"))
    assert line.core.sizes()["dialogs"] == 5
    assert line.core.sizes()["relayed"] == 20
    line.wait(40)
    for n in range(40):
        caller = (f"127.0.1.{n}", 5060)
        line.admit(say.key_of(line.hear(say.invite(call_id=f"f{n}", branch=f"z9hG4bKf{n}"), caller)))
    assert line.core.sizes()["familiar"] == 30
    line.wait(40)
    assert line.core.sizes()["invites"] == line.core.sizes()["legs"] == 0


def test_a_stranger_hears_one_answer_to_one_message(line, say):
    asked = line.hear(say.invite(), line.stranger)
    assert say.starts(line.refuse(say.key_of(asked), 403, Cause.SOURCE_NOT_ALLOWED)) == ["403"]
    assert say.starts(line.wait(40)) == []


def test_long_messages_of_strangers_are_not_read(line, say):
    def options(padding):
        return say.invite(method="OPTIONS", extra=f"X-Long: {'a' * padding}\r\n", branch=f"z9hG4bK{padding}", body=b"")

    assert line.hear(options(7_000), line.stranger) != []
    assert line.hear(options(8_200), line.stranger) == []
    heard = [say.starts(line.hear(options(8_200 + n))) for n in range(100)]
    assert heard == [["200"]] * 20 + [[]] * 80
    assert say.starts(line.hear(options(7_000))) == ["200"]
    attempt, _ = say.records(line.wait(11))
    assert attempt.reason == "1 messages were dropped unread, because too many came or they were too long."


def turned_away(make_line, asks):
    """A line on which no number admits strangers, and one INVITE a second is asked about all the same."""
    line = make_line(strangers_asked_per_second=1.0)
    line.core = Edge(line.config, lambda host: host.startswith("127."), lambda: asks, lambda host: False)
    return line


@pytest.mark.parametrize("asks", [False, True])
def test_of_many_strangers_admission_hears_little_and_the_record_counts(make_line, say, asks):
    line = turned_away(make_line, asks)
    heard = [line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}"), (f"192.0.2.{n}", 5060)) for n in range(10)]
    assert [say.starts(actions) for actions in heard] == [["100"]] * 2 + [["401" if asks else "403"]] * 8
    assert not line.hear(say.invite(method="ACK", branch="z9hG4bK5"), ("192.0.2.5", 5060))
    assert line.core.sizes()["invites"] == 2
    away = [one for one in say.records(line.wait(11)) if one.cause is Cause.SOURCE_NOT_ALLOWED]
    assert sum(one.count for one in away) == 8
    assert {one.status for one in away} == {401 if asks else 403}
    line.now += 10
    again = line.hear(say.invite(call_id="later", branch="z9hG4bKlater"), line.stranger)
    assert say.starts(again) == ["100"], "a few are always asked about"


@pytest.mark.parametrize("asks", [False, True])
def test_few_messages_are_read_of_those_who_cannot_call(make_line, say, asks):
    line = turned_away(make_line, asks)
    strangers = [(f"192.0.{n // 250}.{n % 250}", 5060) for n in range(400)]
    heard = [say.starts(line.hear(say.invite(method="OPTIONS", body=b""), stranger)) for stranger in strangers]
    refusal = "401" if asks else "403"
    assert heard.count([refusal]) == (400 if asks else 100)
    assert heard.count([]) == (0 if asks else 300)


def test_where_everybody_may_call_many_strangers_wait_for_their_turn(make_line, say):
    line = make_line(stranger_questions_per_second=1.0)
    heard = [line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}"), (f"192.0.2.{n}", 5060)) for n in range(10)]
    assert [say.starts(actions) for actions in heard] == [["100"]] * 2 + [[]] * 8
    line.now += 2
    again = line.hear(say.invite(call_id="c9", branch="z9hG4bK9"), ("192.0.2.9", 5060))
    assert say.starts(again) == ["100"], "its repetition finds room"
    crowded = [one for one in say.records(line.wait(11)) if one.cause is Cause.OVERLOAD]
    assert sum(one.count for one in crowded) == 8


def test_a_flood_keeps_no_caller_from_his_call_who_was_let_in(make_line, say):
    line = make_line(strangers_per_second=10.0)
    caller = ("192.0.2.1", 5060)
    seen = say.sent(line.admit(say.key_of(line.hear(say.invite(), caller))))[0][0]
    ((ok, _),) = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))
    for n in range(50):
        line.hear(say.invite(method="OPTIONS", body=b""), (f"198.51.100.{n}", 5060))
    for n in range(30):
        info = say.in_dialog("INFO", ok, cseq=2 + n, branch=f"z9hG4bKi{n}")
        assert say.starts(line.hear(info, caller)) == ["INFO"]
    assert say.starts(line.hear(say.invite(method="OPTIONS", body=b""), caller)) == ["403"]


def test_many_strangers_keep_nobody_out_who_may_call(make_line, say):
    line = turned_away(make_line, asks=False)
    for n in range(10):
        line.hear(say.invite(call_id=f"c{n}", branch=f"z9hG4bK{n}"), (f"192.0.2.{n}", 5060))
    assert say.starts(line.hear(say.invite(call_id="own", branch="z9hG4bKown"))) == ["100"]


def test_a_network_of_ipv6_addresses_is_one_stranger_however_they_are_written(line, say):
    asked = say.invite(method="OPTIONS", body=b"")
    heard = [line.hear(asked, (f"2001:db8::{n:x}:7:7:7" if n % 2 else f"2001:db8::{n:x}", 5060)) for n in range(1, 41)]
    assert len([1 for actions in heard if actions]) == 20
    assert line.hear(asked, ("2001:db8:0:1::7", 5060))
