"""Offers of callers behind a NAT that name an address which nobody else reaches."""

import pytest

from oneinbox.edge.sdp import media_host

PRIVATE = b"v=0\r\no=- 1 1 IN IP4 10.9.9.9\r\ns=-\r\nc=IN IP4 10.9.9.9\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
SDP = "Content-Type: application/sdp\r\n"
CALLER = "127.0.0.2"


def test_audio_goes_to_where_the_invite_came_from_and_the_attempt_says_so(line, say):
    ((seen, _),) = say.sent(line.admit(say.key_of(line.hear(say.invite(body=PRIVATE, extra=SDP)))))
    assert (media_host(seen.body), seen.first("content-length")) == (CALLER, str(len(seen.body)))
    assert b"m=audio 4000" in seen.body
    (attempt,) = say.records(line.hear(say.answer(seen, 200, "<sip:w@127.0.0.1:6001>"), line.worker))
    assert "at 10.9.9.9, which can't be reached from here: it is sent to 127.0.0.2 instead" in attempt.reason


@pytest.mark.parametrize("host", [b"127.0.0.2", b"192.0.2.7"])
def test_an_address_that_can_be_reached_is_left(line, say, host):
    body = PRIVATE.replace(b"10.9.9.9", host)
    ((seen, _),) = say.sent(line.admit(say.key_of(line.hear(say.invite(body=body, extra=SDP)))))
    assert seen.body == body


def test_a_reinvite_is_read_like_the_invite(line, say):
    """Else a refreshed session would lose its audio."""
    ok = line.establish()
    again = say.in_dialog("INVITE", ok, cseq=2, branch="z9hG4bKagain", extra=SDP)
    again = again.replace(b"Content-Length: 0\r\n\r\n", b"Content-Length: %d\r\n\r\n" % len(PRIVATE) + PRIVATE)
    ((seen, _),) = say.sent(line.hear(again))
    assert media_host(seen.body) == CALLER
