"""The rules of RFC 3261 that callers of all ages rely on: which transaction a message belongs to, and where it goes."""

import pytest

from oneinbox.edge.actions import Send


def to_tag(message) -> str:
    return (message.first("to") or "").partition(";tag=")[2]


def test_the_200_of_a_cancel_has_the_tag_of_the_487(line, say):
    """Section 9.2."""
    line.begin()
    answers = [message for message, _ in say.sent(line.hear(say.invite(method="CANCEL", body=b"")))]
    assert [(one.status, one.first("cseq")) for one in answers] == [(200, "1 CANCEL"), (487, "1 INVITE")]
    assert to_tag(answers[0]) == to_tag(answers[1]) != ""


def test_a_timestamp_comes_back_in_the_100(line, say):
    """Section 8.2.6.1: so that the caller can tell how far away we are."""
    ((trying, _),) = say.sent(line.hear(say.invite(extra="Timestamp: 54.21\r\n")))
    assert (trying.status, trying.first("timestamp")) == (100, "54.21")


@pytest.mark.parametrize("routed", [True, False])
def test_an_ack_with_the_branch_of_its_invite_reaches_the_worker(line, say, routed):
    """RFC 2543 had no other; section 17.2.3 names such senders."""
    seen = line.begin()
    ((ok, _),) = say.sent(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))
    ack = say.in_dialog("ACK", ok, cseq=1, branch="z9hG4bKa", route=None if routed else "")
    assert [(message.method, dest) for message, dest in say.sent(line.hear(ack))] == [("ACK", line.worker)]


def test_the_ack_of_a_refusal_stays_here(line, say):
    key = say.key_of(line.hear(say.invite()))
    line.refuse(key)
    assert not line.hear(say.invite(method="ACK", to_tag=";tag=x", body=b""))
    assert not say.sent(line.wait(40))


@pytest.mark.parametrize("method", ["ACK", "BYE"])
def test_a_strict_routers_request_goes_where_it_means(line, say, method):
    """Section 16.4: our Route is its Request-URI, and the worker's address its last Route."""
    ok = line.establish()
    ours = (ok.first("record-route") or "").strip("<>")
    wanted = say.in_dialog(method, ok, cseq=2, branch="z9hG4bKstrict", route="Route: <sip:w@127.0.0.1:6001>\r\n")
    ((seen, dest),) = say.sent(line.hear(wanted.replace(b"sip:w@127.0.0.1:6001", ours.encode(), 1)))
    assert (seen.method, seen.uri, dest) == (method, "sip:w@127.0.0.1:6001", line.worker)
    assert not seen.all("route")


def test_answers_to_a_closed_tcp_connection_go_to_the_port_in_via(line, say):
    """Section 18.2.2; not to strangers, who may have closed it on purpose."""
    caller = line.caller._replace(transport="tcp")
    asked = line.hear(say.invite(via="127.0.0.2:5071"), caller)
    refused = line.refuse(say.key_of(asked))
    assert [(action.dest, action.otherwise) for action in refused if isinstance(action, Send)] == [
        (caller, caller._replace(port=5071))
    ]
    stranger = line.stranger._replace(transport="tcp")
    asked = line.hear(say.invite(via="127.0.0.2:5071", branch="z9hG4bKs", call_id="s"), stranger)
    assert [action.otherwise for action in asked if isinstance(action, Send)] == [None]
