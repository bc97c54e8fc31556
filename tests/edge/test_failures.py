"""Workers that are silent, full or dead, callers that give up, and what the edge says itself."""

import pytest

from oneinbox.contracts.admission import Cause


def test_a_silent_worker_is_asked_twice_then_the_next(line, say):
    line.begin()
    assert [d for _, d in say.sent(line.wait(0.6))] == [line.worker]
    ((seen, dest),) = say.sent(line.wait(0.5))
    assert dest == line.second
    (attempt,) = say.records(line.hear(say.answer(seen, 200), line.second))
    assert attempt.cause is Cause.ADMITTED


def test_nobody_answers_means_503_with_retry_after(line, say):
    line.begin()
    actions = line.wait(2.1)
    refused = next(m for m, d in say.sent(actions) if d == line.caller)
    assert (refused.status, refused.first("retry-after")) == (503, "5")
    (attempt,) = say.records(actions)
    assert (attempt.status, attempt.cause, attempt.call_id) == (503, Cause.WORKER_GONE, "call-1")
    assert "w2" in attempt.reason


@pytest.mark.parametrize("status", [486, 500, 503, 603, 302])
def test_a_refusal_is_acknowledged_and_the_next_is_asked(line, say, status):
    seen = line.begin()
    (ack, there), (second, elsewhere) = say.sent(line.hear(say.answer(seen, status), line.worker))
    assert (ack.method, there, second.method, elsewhere) == ("ACK", line.worker, "INVITE", line.second)
    assert ack.first("via") == seen.all("via")[0].value
    assert ack.first("to").endswith(";tag=w1")
    assert second.all("via")[0].value != seen.all("via")[0].value
    assert say.starts(line.hear(say.answer(seen, status), line.worker)) == ["ACK"]
    last = line.hear(say.answer(second, status), line.second)
    assert say.starts(last) == ["ACK", "503"]
    assert say.records(last)[0].cause is Cause.OVERLOAD


@pytest.mark.parametrize("status", [415, 420, 488])
def test_a_refusal_of_the_offer_is_final(line, say, status):
    seen = line.begin()
    actions = line.hear(say.answer(seen, status, extra="Warning: 305 x y"), line.worker)
    assert say.starts(actions) == ["ACK", str(status)]
    assert say.sent(actions)[1][0].first("warning") == "305 x y"
    (attempt,) = say.records(actions)
    assert (attempt.status, attempt.cause) == (status, Cause.MEDIA_REFUSED)
    assert set(say.starts(line.wait(5))) == {str(status)}


def test_a_late_200_of_a_worker_given_up_is_acknowledged_and_ended(line, say):
    seen = line.begin()
    line.wait(1.1)
    actions = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    assert say.starts(actions) == ["ACK", "BYE"]
    assert {d for _, d in say.sent(actions)} == {line.worker}
    bye = say.sent(actions)[1][0]
    assert bye.first("cseq") == "2 BYE"
    line.hear(say.answer(bye, 200), line.worker)
    later = line.wait(0.9)
    assert "BYE" not in say.starts(later)


def test_ringing_holds_the_worker_beyond_a_second(line, say):
    seen = line.begin()
    line.hear(say.answer(seen, 180), line.worker)
    assert say.sent(line.wait(30)) == []
    assert say.starts(line.wait(31.2)) == ["CANCEL", "INVITE", "INVITE", "503"]


def test_a_refused_invite_is_answered_until_the_ack(line, say):
    asked = line.hear(say.invite())
    actions = line.refuse(say.key_of(asked))
    assert say.starts(actions) == ["404"]
    assert len(say.records(actions)) == 1
    assert say.starts(line.wait(1.6)) == ["404", "404"]
    again = line.hear(say.invite())
    assert (say.starts(again), say.records(again)) == (["404"], [])
    tag = say.sent(actions)[0][0].first("to").partition(";tag=")[2]
    assert line.hear(say.invite(method="ACK", to_tag=f";tag={tag}", body=b"")) == []
    assert line.wait(20) == []
    assert line.hear(say.invite()) == []


def test_without_ack_the_answer_is_repeated_no_longer_than_64_t1(line, say):
    line.refuse(say.key_of(line.hear(say.invite())))
    assert 8 <= len(line.wait(40)) <= 12
    assert line.core.sizes()["invites"] == 0
    assert line.core.next_timer() is None


def test_cancel_while_ringing(line, say):
    seen = line.begin()
    line.hear(say.answer(seen, 180), line.worker)
    actions = line.hear(say.invite(method="CANCEL", body=b""))
    assert say.starts(actions) == ["200", "CANCEL", "487"]
    cancel = say.sent(actions)[1][0]
    assert (cancel.first("via"), cancel.uri, cancel.first("cseq")) == (seen.first("via"), seen.uri, "1 CANCEL")
    (attempt,) = say.records(actions)
    assert (attempt.status, attempt.cause, attempt.call_id) == (487, Cause.CANCELLED, "call-1")
    assert say.starts(line.hear(say.answer(seen, 487), line.worker)) == ["ACK"]


def test_cancel_before_the_worker_was_heard_waits_for_it(line, say):
    seen = line.begin()
    assert say.starts(line.hear(say.invite(method="CANCEL", body=b""))) == ["200", "487"]
    assert say.starts(line.hear(say.answer(seen, 100), line.worker)) == ["CANCEL"]
    assert "INVITE" not in say.starts(line.wait(3))


def test_cancel_before_admission_records_the_call_that_admission_made(line, say):
    asked = line.hear(say.invite())
    cancelled = line.hear(say.invite(method="CANCEL", body=b""))
    assert say.starts(cancelled) == ["200", "487"]
    assert say.records(cancelled) == []
    decided = line.admit(say.key_of(asked))
    assert say.starts(decided) == []
    (attempt,) = say.records(decided)
    assert (attempt.cause, attempt.call_id) == (Cause.CANCELLED, "call-1")


def test_cancel_crosses_the_200(line, say):
    seen = line.begin()
    line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    crossed = line.hear(say.invite(method="CANCEL", body=b""))
    assert (say.starts(crossed), say.records(crossed)) == (["200"], [])
    assert line.core.sizes()["dialogs"] == 1


def test_the_200_crosses_the_cancel(line, say):
    seen = line.begin()
    line.hear(say.answer(seen, 180), line.worker)
    line.hear(say.invite(method="CANCEL", body=b""))
    assert say.starts(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)) == ["ACK", "BYE"]
    assert line.core.sizes()["dialogs"] == 0


def test_admission_that_never_answers_is_a_503(line, say):
    line.hear(say.invite())
    actions = line.wait(3.1)
    assert say.starts(actions) == ["503"]
    assert say.records(actions)[0].cause is Cause.UNAVAILABLE


def test_a_dead_workers_callers_get_a_bye(line, say):
    route = "Record-Route: <sip:127.0.0.3:5080;lr>\r\nRecord-Route: <sip:far.example;lr>\r\n"
    seen = say.sent(line.admit(say.key_of(line.hear(say.invite(extra=route)))))[0][0]
    ok = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))[0][0]
    line.hear(say.from_worker("INFO", seen, 41), line.worker)
    ((bye, dest),) = say.sent(line.core.worker_gone(line.worker, line.now))
    assert (bye.method, bye.uri, dest[:2]) == ("BYE", "sip:bob@127.0.0.2:5070", ("127.0.0.3", 5080))
    assert bye.first("cseq") == "42 BYE"
    assert [h.value for h in bye.all("route")] == ["<sip:127.0.0.3:5080;lr>", "<sip:far.example;lr>"]
    assert (bye.first("from"), bye.first("to")) == (ok.first("to"), ok.first("from"))
    assert say.starts(line.wait(1.6)) == ["BYE", "BYE"]
    line.hear(say.answer(bye, 200))
    assert line.wait(40) == []


def test_a_bye_nobody_answers_is_given_up(line, say):
    line.establish()
    line.core.worker_gone(line.worker, line.now)
    assert 8 <= len(line.wait(60)) <= 12
    assert line.core.next_timer() is None


def test_the_caller_of_a_dead_worker_may_hang_up(line, say):
    ok = line.establish()
    line.core.worker_gone(line.worker, line.now)
    ((refused, _),) = say.sent(line.hear(say.in_dialog("INFO", ok, 2, "z9hG4bKi")))
    assert refused.status == 481
    for _ in range(2):
        ((done, dest),) = say.sent(line.hear(say.in_dialog("BYE", ok, 3, "z9hG4bKb")))
        assert (done.status, dest) == (200, line.caller)


def test_only_the_dead_workers_calls_end(line, say):
    line.establish()
    assert line.core.worker_gone(line.second, line.now) == []


def test_pending_invites_of_a_dead_worker_go_to_the_next(line, say):
    line.begin()
    actions = line.core.worker_gone(line.worker, line.now)
    assert [(m.method, d) for m, d in say.sent(actions)] == [("INVITE", line.second)]


def test_both_workers_dead(line, say):
    line.begin()
    line.core.worker_gone(line.worker, line.now)
    actions = line.core.worker_gone(line.second, line.now)
    assert say.starts(actions) == ["503"]
    assert say.records(actions)[0].cause is Cause.WORKER_GONE
