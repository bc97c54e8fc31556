"""A caller gives up just when the call is answered: whichever comes first, the call ends once, on both sides."""

import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count

import pytest
from tests.e2e.product import Product

from bench import sip

pytestmark = pytest.mark.e2e

DELAYS_MS = (0, 5, 10, 20, 40)
TIMES = 4
PATIENCE = 20.0
_names = count()


@dataclass
class Caller:
    """One call that is given up `delay` seconds after its INVITE; what it was told, in order."""

    sock: socket.socket
    dialog: sip.Dialog
    told: list[tuple[str, int]] = field(default_factory=list)
    """Method and status of each final answer, repetitions left out; `("BYE", 0)` for one of the product's."""

    def ring(self, delay: float) -> None:
        self.sock.sendto(self.dialog.invite(), self.dialog.edge)
        given_up, latest = time.monotonic() + delay, time.monotonic() + PATIENCE
        cancelled = False
        while not self.is_over and time.monotonic() < latest:
            for message in self._heard(latest if cancelled else given_up):
                self._take(message)
            if not cancelled and time.monotonic() >= given_up:
                cancelled = True
                self.sock.sendto(self.dialog.cancel(), self.dialog.edge)

    @property
    def is_over(self) -> bool:
        """Is all answered that was asked?"""
        answered = ("CANCEL", 200) in self.told
        return answered and (("INVITE", 487) in self.told or ("BYE", 200) in self.told)

    def _heard(self, until: float) -> Iterator[sip.Message]:
        while (left := until - time.monotonic()) > 0:
            self.sock.settimeout(left)
            try:
                yield sip.read(self.sock.recv(65535))
            except TimeoutError:
                return
            if self.is_over:
                return

    def _take(self, message: sip.Message) -> None:
        status = message.status or 0
        if message.call_id != self.dialog.call_id or 0 < status < 200:
            return
        told = (message.method, status)
        again = told in self.told
        if not again:
            self.told.append(told)
        if told == ("INVITE", 200):
            self.dialog.answered(message)
            self.sock.sendto(self.dialog.ack(), self.dialog.edge)
            if not again:
                self.sock.sendto(self.dialog.bye(), self.dialog.edge)
        elif message.method == "INVITE":
            self.sock.sendto(self.dialog.ack_refusal(message), self.dialog.edge)
        elif not status:
            self.sock.sendto(sip.agree(message), self.dialog.edge)


def give_up(product: Product, number: str, delay: float) -> list[tuple[str, int]]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        name = f"cancel{next(_names)}-{sock.getsockname()[1]}"
        caller = Caller(sock, sip.Dialog(number, name, sock.getsockname(), product.sip, 4000))
        caller.ring(delay)
    return caller.told


@pytest.mark.parametrize("delay_ms", DELAYS_MS)
def test_a_cancel_that_meets_the_answer_ends_the_call_once(product: Product, delay_ms: int) -> None:
    number = product.number(product.agent(first_message="Hello."))
    finals = []
    for _ in range(TIMES):
        told = give_up(product, number, delay_ms / 1000)
        finals.append([status for method, status in told if method == "INVITE"])
        assert finals[-1] in ([487], [200]), f"told {told}"
        assert ("CANCEL", 200) in told
        assert (("BYE", 200) in told) is (finals[-1] == [200]), f"told {told}"
    recorded = product.attempts(number, PATIENCE, TIMES)
    assert sorted(status for status, _ in recorded) == sorted(status for (status,) in finals)
    assert len(ended(product, number)) == TIMES


def ended(product: Product, number: str) -> list[str]:
    """The terminal events of the calls to a number, once none of them goes on; no worker holds any of them."""
    latest = time.monotonic() + PATIENCE
    while calls := product.rows(
        "SELECT id FROM calls WHERE to_number = %s AND status NOT IN ('completed', 'failed')", number
    ):
        assert time.monotonic() < latest, f"{calls} are still open"
        time.sleep(0.1)
    query = (
        "SELECT call_events.payload->>'reason' FROM call_events JOIN calls ON calls.id = call_events.call_id "
        "WHERE calls.to_number = %s AND call_events.type = 'ended'"
    )
    return [reason for (reason,) in product.rows(query, number)]
