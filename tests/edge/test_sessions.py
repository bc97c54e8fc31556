"""Session timers (RFC 4028), which the edge keeps for its workers: what callers are told, and when their calls end."""

import pytest

from oneinbox.contracts.admission import Cause
from oneinbox.edge.actions import Keep

TIMED = "Supported: timer\r\nSession-Expires: 90;refresher=uac\r\nMin-SE: 90\r\n"


def call(line, say, extra=TIMED, worker_says=""):
    """A call up to the caller's ACK; the INVITE as the worker sees it, and the 200 as the caller does."""
    seen = say.sent(line.admit(say.key_of(line.hear(say.invite(extra=extra)))))[0][0]
    answer = say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>", extra=worker_says)
    ((ok, _),) = say.sent(line.hear(answer, line.worker))
    line.hear(say.in_dialog("ACK", ok, cseq=1, branch="z9hG4bKack"))
    return seen, ok


def refresh(line, say, ok, cseq, method="INVITE", extra=TIMED, status=200):
    """The caller refreshes, and the worker agrees; what the caller hears."""
    asked = say.in_dialog(method, ok, cseq=cseq, branch=f"z9hG4bKr{cseq}", extra=extra)
    ((seen, _),) = say.sent(line.hear(asked))
    ((answer, _),) = say.sent(line.hear(say.answer(seen, status, contact="<sip:w@127.0.0.1:6001>"), line.worker))
    return answer


def byes(line, say, seconds):
    return [(message, dest) for message, dest in say.sent(line.wait(seconds)) if message.method == "BYE"]


def test_a_caller_who_can_is_told_to_refresh(line, say):
    _, ok = call(line, say)
    assert (ok.first("session-expires"), ok.first("require")) == ("90;refresher=uac", "timer")


@pytest.mark.parametrize(
    ("extra", "worker_says"),
    [
        ("", ""),
        ("Session-Expires: 90\r\n", ""),
        ("Supported: timer\r\n", ""),
        ("Supported: timer\r\nSession-Expires: soon\r\n", ""),
        (TIMED, "Session-Expires: 1800;refresher=uas\r\n"),
    ],
)
def test_nobody_is_promised_what_he_cannot_or_the_worker_does_itself(line, say, extra, worker_says):
    _, ok = call(line, say, extra, worker_says)
    assert ok.first("session-expires") == (worker_says.partition(": ")[2].strip() or None)
    assert ok.first("require") is None
    assert not byes(line, say, 3600)


def test_a_call_that_is_not_refreshed_ends_on_both_sides(line, say):
    """Section 10: 32 s or a third of the interval before it expires."""
    _, ok = call(line, say)
    assert not byes(line, say, 59)
    (to_worker, worker), (to_caller, caller) = byes(line, say, 1.2)[:2]
    assert (worker, caller) == (line.worker, line.caller)
    assert (to_worker.first("cseq"), to_worker.first("from")) == ("2 BYE", ok.first("from"))
    assert to_worker.first("to") == ok.first("to") == to_caller.first("from")
    assert "not refreshed" in (to_worker.first("reason") or "")
    for message, dest in ((to_worker, worker), (to_caller, caller)):
        line.hear(say.answer(message, 200), dest)
    assert line.core.sizes()["dialogs"] == 0
    assert not byes(line, say, 10)
    assert say.starts(line.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye"))) == ["200"], (
        "it had crossed ours"
    )


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_refresh_prolongs_it(line, say, method):
    _, ok = call(line, say)
    for turn in range(2, 5):
        assert not byes(line, say, 45)
        assert refresh(line, say, ok, turn, method).first("session-expires") == "90;refresher=uac"
    assert not byes(line, say, 59)
    assert len({dest for _, dest in byes(line, say, 1.2)}) == 2


def test_a_refresh_that_the_worker_refuses_prolongs_nothing(line, say):
    _, ok = call(line, say)
    assert not byes(line, say, 45)
    assert refresh(line, say, ok, 2, status=488).first("session-expires") is None
    assert byes(line, say, 16)


def test_a_caller_may_do_without_from_now_on(line, say):
    _, ok = call(line, say)
    assert refresh(line, say, ok, 2, extra="").first("session-expires") is None
    assert not byes(line, say, 3600)


def test_a_call_that_has_ended_is_not_ended_again(line, say):
    _, ok = call(line, say)
    line.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye"))
    assert not byes(line, say, 200)


def test_too_short_a_session_is_named(line, say):
    asked = line.hear(say.invite(extra=TIMED.replace(" 90;", " 20;")))
    ((refusal, _),) = say.sent(asked)
    assert (refusal.status, refusal.first("min-se")) == (422, "90")
    assert [(one.status, one.cause) for one in say.records(asked)] == [(422, Cause.MALFORMED)]


def test_what_the_edge_has_is_not_required_of_the_worker(line, say):
    seen, _ = call(line, say, TIMED + "Require: timer, 100rel\r\n")
    assert [header.value for header in seen.all("require")] == ["100rel"]
    assert seen.first("supported") == "timer"


def test_the_next_edge_waits_for_the_refresh_too(line, say):
    asked = line.hear(say.invite(extra=TIMED))
    seen = say.sent(line.admit(say.key_of(asked)))[0][0]
    opened = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    kept = [action.text for action in opened if isinstance(action, Keep)][-1]
    line.restart()
    line.core.take_up([kept], line.now)
    assert not byes(line, say, 59)
    assert len({dest for _, dest in byes(line, say, 1.2)}) == 2


def test_an_answer_after_the_bye_keeps_nothing_for_the_next_edge(line, say):
    _, ok = call(line, say)
    ((seen, _),) = say.sent(line.hear(say.in_dialog("UPDATE", ok, cseq=2, branch="z9hG4bKu", extra=TIMED)))
    ended = line.hear(say.in_dialog("BYE", ok, cseq=3, branch="z9hG4bKbye"))
    late = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    assert [action.text for action in (*ended, *late) if isinstance(action, Keep)] == [None]


def test_refreshes_of_ever_so_long_sessions_pile_nothing_up(line, say):
    longest = TIMED.replace(" 90;", " 999999999;")
    _, ok = call(line, say, longest)
    before = line.core.sizes()["timers"]
    for turn in range(2, 100):
        assert refresh(line, say, ok, turn, "UPDATE", longest).first("session-expires") == "999999999;refresher=uac"
    assert line.core.sizes()["timers"] == before
    line.hear(say.in_dialog("BYE", ok, cseq=100, branch="z9hG4bKbye"))
    line.wait(100)
    assert line.core.sizes()["timers"] == 0


def test_a_session_that_is_shortened_ends_sooner(line, say):
    _, ok = call(line, say, TIMED.replace(" 90;", " 1800;"))
    assert not byes(line, say, 601)
    refresh(line, say, ok, 2)
    assert not byes(line, say, 59)
    assert byes(line, say, 1.2)


def test_a_caller_who_was_away_when_his_call_expired_may_still_hang_up(line, say):
    _, ok = call(line, say)
    assert byes(line, say, 120)
    assert not byes(line, say, 3600)
    assert say.starts(line.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye"))) == ["200"]
