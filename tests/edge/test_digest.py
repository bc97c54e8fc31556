"""Callers who prove who they are: handshakes, replays, floods, and answers that tell nothing."""

import hashlib
import re

import pytest

from oneinbox.contracts.admission import Admitted, Cause, Refused, WorkerRoute
from oneinbox.edge.actions import Address, Ask, EdgeConfig
from oneinbox.edge.core import Edge
from oneinbox.edge.digest import parameters, proves
from oneinbox.edge.message import Response, read

URI = "sip:15551234567@edge.example"
USER, PASSWORD = "carrier", "correct horse"
STRANGER = ("192.0.2.66", 5060)
ROUTES = (WorkerRoute("w1", "127.0.0.1", 6001, {}),)


def hashed(algorithm, *parts):
    return hashlib.new(algorithm.replace("-", "").lower(), ":".join(parts).encode()).hexdigest()


def credentials(nonce, uri=URI, user=USER, password=PASSWORD, count="00000001", algorithm="SHA-256", method="INVITE"):
    """What an honest client says (RFC 7616, section 3.4.1), computed here from the RFC."""
    first, second = hashed(algorithm, user, "oneinbox", password), hashed(algorithm, method, uri)
    response = hashed(algorithm, first, nonce, count, "c0ffee", "auth", second)
    return (
        f'Authorization: Digest username="{user}", realm="oneinbox", nonce="{nonce}", uri="{uri}", '
        f'response="{response}", algorithm={algorithm}, qop=auth, nc={count}, cnonce="c0ffee"\r\n'
    )


class Door:
    """An edge whose one number has a login, with admission as the application has it."""

    def __init__(self, **limits):
        self.core = Edge(EdgeConfig(Address("127.0.0.1", 5060), b"k" * 32, **limits), lambda host: False, lambda: True)
        self.now = 1000.0
        self.count = 0
        self.admitted = 0

    def hear(self, data, source=STRANGER):
        """The answers to one message, admission's word included, and the causes recorded."""
        actions = self.core.receive(data, source, self.now)
        for ask in [action for action in actions if isinstance(action, Ask)]:
            actions += self.core.decided(ask.key, self.decide(ask), self.now)
        answers = [read(a.data) for a in actions if hasattr(a, "data")]
        causes = [a.attempt.cause for a in actions if hasattr(a, "attempt")]
        return [a for a in answers if not (isinstance(a, Response) and a.status == 100)], causes

    def decide(self, ask):
        if ask.facts.dialled == "15551234567" and ask.login and proves(ask.login, USER, PASSWORD):
            self.admitted += 1
            return Admitted("call-1", "+15551234567", ROUTES)
        return Refused(401, Cause.WRONG_PASSWORD if ask.login else Cause.CHALLENGED, "Because.")

    def invite(self, say, extra="", **special):
        self.count += 1
        return say.invite(
            **{"call_id": f"d{self.count}", "branch": f"z9hG4bKd{self.count}", "extra": extra, "uri": URI} | special
        )

    def nonce(self, say, source=STRANGER):
        (answer,), _ = self.hear(self.invite(say), source)
        return re.search('nonce="([0-9a-f]+)"', answer.first("www-authenticate"))[1]


@pytest.fixture
def door():
    return Door(stranger_burst=1e9, stranger_per_second=1e9)


def admitted(answers):
    return [one.method for one in answers if not isinstance(one, Response)] == ["INVITE"]


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
def test_a_stranger_who_knows_the_password_gets_through(door, say, algorithm):
    (answer,), causes = door.hear(door.invite(say, "User-Agent: modern\r\n"))
    assert (answer.status, causes) == (401, [Cause.CHALLENGED])
    offers = [parameters(header.value) for header in answer.all("www-authenticate")]
    assert [(one["algorithm"], one["qop"], one["realm"]) for one in offers] == [
        ("SHA-256", "auth", "oneinbox"),
        ("MD5", "auth", "oneinbox"),
    ]
    (seen,), _ = door.hear(door.invite(say, credentials(offers[0]["nonce"], algorithm=algorithm)))
    assert seen.method == "INVITE"
    assert seen.first("authorization") is None


@pytest.mark.parametrize(
    ("agent", "offered"),
    [
        ("", ["MD5", "SHA-256"]),
        ("User-Agent: baresip v1.0.0 (x86_64/linux)\r\n", ["MD5"]),
        ("User-Agent: baresip v3.9.0\r\n", ["SHA-256", "MD5"]),
    ],
)
def test_old_clients_are_asked_for_what_they_know(door, say, agent, offered):
    (answer,), _ = door.hear(door.invite(say, agent))
    assert [parameters(header.value)["algorithm"] for header in answer.all("www-authenticate")] == offered


def test_credentials_for_others_are_left_alone(door, say):
    other = 'Authorization: Digest username="x", realm="elsewhere", nonce="1", uri="sip:a", response="2"\r\n'
    (seen,), _ = door.hear(door.invite(say, other + credentials(door.nonce(say))))
    assert seen.first("authorization").startswith('Digest username="x"')


def test_a_nonce_serves_one_invite(door, say):
    nonce = door.nonce(say)
    assert admitted(door.hear(door.invite(say, credentials(nonce)))[0])
    for count in ("00000001", "00000000", "00000002"):
        (answer,), causes = door.hear(door.invite(say, credentials(nonce, count=count)))
        assert (answer.status, causes) == (401, [Cause.CHALLENGED])
        assert "stale=true" in answer.first("www-authenticate")


def test_of_two_at_once_one_gets_through(door, say):
    nonce = door.nonce(say)
    first = door.core.receive(door.invite(say, credentials(nonce)), STRANGER, door.now)
    second = door.core.receive(door.invite(say, credentials(nonce)), STRANGER, door.now)
    logins = [action.login for action in (*first, *second) if isinstance(action, Ask)]
    assert [login is not None for login in logins] == [True, False]


@pytest.mark.parametrize(
    "spoil",
    [
        {"password": "wrong"},
        {"user": "nobody"},
        {"uri": "sip:15559999999@edge.example"},
        {"uri": "sips:15551234567@edge.example"},
        {"uri": "sip:elsewhere.example"},
        {"uri": "nonsense"},
        {"method": "REGISTER"},
        {"count": "1"},
        {"count": "0000000g"},
    ],
)
def test_what_is_wrong_is_not_told(door, say, spoil):
    (answer,), _ = door.hear(door.invite(say, credentials(door.nonce(say), **spoil)))
    assert answer.status == 401
    assert "stale" not in answer.first("www-authenticate")


def test_the_host_of_the_digests_uri_may_differ(door, say):
    for uri in ("sip:15551234567@other.example:5080", "sip:edge.example"):
        assert admitted(door.hear(door.invite(say, credentials(door.nonce(say), uri=uri)))[0])


def test_a_nonce_is_for_its_source_and_thirty_seconds(door, say):
    nonce = door.nonce(say)
    assert not admitted(door.hear(door.invite(say, credentials(nonce)), ("192.0.2.67", 5060))[0])
    door.now += 31
    assert not admitted(door.hear(door.invite(say, credentials(nonce)))[0])
    late = door.nonce(say)
    door.now += 29
    assert admitted(door.hear(door.invite(say, credentials(late)))[0])


def test_nonces_of_another_process_are_stale(door, say):
    nonce = Door(stranger_burst=1e9, stranger_per_second=1e9).nonce(say)
    (answer,), _ = door.hear(door.invite(say, credentials(nonce)))
    assert "stale=true" in answer.first("www-authenticate")


def shape(answer):
    text = b"\r\n".join(header.raw for header in answer.headers)
    return answer.status, re.sub(rb'nonce="[0-9a-f]{56}"|z9hG4bKd\d+|d\d+|;tag=[0-9a-f]{16}', b"_", text)


def test_every_wrong_thing_has_the_same_answer(door, say):
    asked = [
        door.invite(say),
        door.invite(say, uri="sip:15559999999@edge.example"),
        door.invite(say, uri="sip:alice@edge.example"),
        door.invite(say, hops=0),
        door.invite(say, extra="Proxy-Require: x\r\n"),
        door.invite(say, credentials(door.nonce(say), password="wrong")),
        door.invite(say, credentials(door.nonce(say), user="nobody")),
        door.invite(
            say, credentials(door.nonce(say), uri="sip:15559999999@edge.example"), uri="sip:15559999999@edge.example"
        ),
    ]
    shapes = {shape(answer) for data in asked for answer in door.hear(data)[0]}
    assert len(shapes) == 1
    for method in ("OPTIONS", "REGISTER", "MESSAGE", "BYE"):
        (answer,), _ = door.hear(door.invite(say, method=method, body=b""))
        assert answer.status == 401
        assert len(answer.all("www-authenticate")) == 2


def test_none_of_10_000_replays_is_accepted(door, say):
    stolen = credentials(door.nonce(say))
    assert admitted(door.hear(door.invite(say, stolen))[0])
    for _ in range(10_000):
        door.now += 0.01
        door.hear(door.invite(say, stolen))
    assert door.admitted == 1


def test_100_000_challenges_push_no_honest_handshake_out(say):
    door = Door(stranger_burst=1e9, stranger_per_second=1e9)
    honest = ("198.51.100.7", 5060)
    nonce = door.nonce(say, honest)
    junk = door.invite(say, call_id="CALLID", branch="z9hG4bKBRANCH")
    flood = [junk.replace(b"CALLID", b"%d" % n).replace(b"BRANCH", b"%d" % n) for n in range(1000)]
    for n in range(100_000):
        door.now += 0.0002
        data = flood[n % 1000]
        door.core.receive(data, (f"203.0.113.{n % 250}", 5060 + n // 1000), door.now)
    assert admitted(door.hear(door.invite(say, credentials(nonce)), honest)[0])
    sizes = door.core.sizes()
    assert sizes["invites"] <= 2_001
    assert sizes["nonces"] == 1


def test_wrong_passwords_leave_nothing_behind(door, say):
    for _ in range(50):
        door.hear(door.invite(say, credentials(door.nonce(say), password="wrong")))
    assert (door.core.sizes()["nonces"], door.core.sizes()["invites"]) == (0, 0)


def test_full_of_nonces_nobody_is_pushed_out(say):
    door = Door(stranger_burst=1e9, stranger_per_second=1e9, max_nonces=3)
    nonces = [door.nonce(say) for _ in range(4)]
    results = [admitted(door.hear(door.invite(say, credentials(nonce)))[0]) for nonce in nonces]
    assert results == [True, True, True, False]
    assert not admitted(door.hear(door.invite(say, credentials(nonces[0])))[0])
    door.now += 40
    door.core.tick(door.now)
    assert admitted(door.hear(door.invite(say, credentials(door.nonce(say))))[0])


def test_a_repeated_invite_is_challenged_again_and_recorded_once(door, say):
    data = door.invite(say)
    assert door.hear(data)[1] == [Cause.CHALLENGED]
    (again,), causes = door.hear(data)
    assert (again.status, causes) == (401, [])


@pytest.mark.parametrize(
    ("value", "read_as"),
    [
        ('Digest username="a\\"b", realm=x , NC=00000001', {"username": 'a"b', "realm": "x", "nc": "00000001"}),
        ('digest a="1",b=2', {"a": "1", "b": "2"}),
        ('Digest a="1", a="2"', None),
        ('Digest a="1', None),
        ("Basic abc", None),
        ("Digest", {}),
        ('Digest a="1" b="2"', None),
        ("Digest " + "a" * 3000, None),
    ],
)
def test_credentials_as_they_come(value, read_as):
    assert parameters(value) == read_as
