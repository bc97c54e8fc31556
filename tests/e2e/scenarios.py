"""What a sipp caller does, step by step: pieces of its scenario files."""

from collections.abc import Sequence
from typing import Literal

Direction = Literal["sendonly", "recvonly", "inactive", "sendrecv"]

_PARTIES = """\
Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch]
{routes}From: <sip:+15550105678@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:[field0]@[remote_ip]:[remote_port]>{tag}
Call-ID: [call_id]
CSeq: {cseq}
Contact: <sip:caller@[local_ip]:[local_port]>
Max-Forwards: 70
"""
_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=caller 1 {version} IN IP4 [local_ip]
s=-
c=IN IP4 [local_ip]
t=0 0
m=audio [field1] RTP/AVP @PAYLOAD@ 101
a=rtpmap:@PAYLOAD@ @CODEC@/8000
a=rtpmap:101 telephone-event/8000
a={direction}

"""
_NUMBER = "sip:[field0]@[remote_ip]:[remote_port]"
_NO_BODY = "Content-Length: 0\n\n"


def _send(start: str, cseq: str, body: str, *, inside: bool = False, again: bool = True, branch: int = 0) -> str:
    """A request; `inside` the dialog it carries the route set and the far side's tag.

    With `branch` it belongs to the transaction of the message that many steps before.
    """
    parties = _PARTIES.format(
        routes="[routes]\n" if inside else "", tag="[peer_tag_param]" if inside else "", cseq=cseq
    )
    if branch:
        parties = parties.replace("[branch]", f"[branch-{branch}]")
    retransmitted = ' retrans="500"' if again else ""
    return f"<send{retransmitted}><![CDATA[\n{start} SIP/2.0\n{parties}{body}]]></send>"


def _ack(cseq: int) -> str:
    return _send("ACK [next_url]", f"{cseq} ACK", _NO_BODY, inside=True, again=False)


def answer(status: int) -> str:
    """This answer must come next."""
    return f'<recv response="{status}"/>'


def hold(direction: Direction, cseq: int, expected: Direction) -> tuple[str, ...]:
    """A re-INVITE that holds or resumes the call; its answer's direction must be as expected."""
    reply = f"""<recv response="200" rrs="true"><action>
      <ereg regexp="a={expected}" search_in="body" check_it="true" assign_to="direction{cseq}"/>
    </action></recv><Reference variables="direction{cseq}"/>"""
    body = _SDP.format(direction=direction, version=cseq)
    return (
        _send("INVITE [next_url]", f"{cseq} INVITE", body, inside=True),
        '<recv response="100" optional="true"/>',
        reply,
        _ack(cseq),
    )


INVITE = _send("INVITE " + _NUMBER, "1 INVITE", _SDP.format(direction="sendrecv", version=1))
TRYING = answer(100)
ANSWERED = ('<recv response="180" optional="true"/>', '<recv response="200" rrs="true"/>', _ack(1))
TOLD = '<recv request="INFO"/>'
"""Wait until the test says `go_on`."""
BYE = (_send("BYE [next_url]", "9 BYE", _NO_BODY, inside=True), answer(200))
FAR_BYE = (
    '<recv request="BYE"/>',
    """<send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>""",
)

TALK = (INVITE, TRYING, *ANSWERED, TOLD, *BYE)
"""The call is answered; when the test says so, the caller hangs up."""
LISTEN = (INVITE, TRYING, *ANSWERED, *FAR_BYE)
"""The call is answered; the far side hangs up."""


def refused(status: int) -> tuple[str, ...]:
    """The call is refused at once."""
    return (INVITE, '<recv response="100" optional="true"/>', answer(status), _refusal_ack(3))


def cancelled(after_ms: int) -> tuple[str, ...]:
    """The caller gives up when nobody has answered after some time."""
    cancel = _send("CANCEL " + _NUMBER, "1 CANCEL", _NO_BODY, branch=3)
    return (INVITE, TRYING, f'<pause milliseconds="{after_ms}"/>', cancel, answer(200), answer(487), _refusal_ack(6))


def _refusal_ack(back: int) -> str:
    acknowledged = _send("ACK " + _NUMBER, "1 ACK", _NO_BODY, again=False, branch=back)
    return acknowledged.replace("To: <sip:[field0]@[remote_ip]:[remote_port]>", "[last_To:]")


def scenario(name: str, steps: Sequence[str], payload: int, codec: str) -> str:
    """The scenario file. `[field0]` is the number that is called, `[field1]` the caller's RTP port."""
    body = "\n".join(steps).replace("@PAYLOAD@", str(payload)).replace("@CODEC@", codec)
    return f'<?xml version="1.0" encoding="ISO-8859-1"?>\n<scenario name="{name}">\n{body}\n</scenario>\n'
