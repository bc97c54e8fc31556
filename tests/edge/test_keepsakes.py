"""An edge that comes after a kill: it goes on with the dialogs that were kept, and owes their callers their BYE."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from oneinbox.app.edge import keepsakes
from oneinbox.app.edge.keepsakes import Keepsakes
from oneinbox.edge.actions import Action, Address, Keep
from oneinbox.edge.dialog import Dialog
from oneinbox.edge.signing import Hop

DIALOG = Dialog(
    key=("c\xe91", "ct", "wt"),
    hop=Hop(Address("127.0.0.1", 6001), Address("127.0.0.2", 5070, "tcp")),
    local="<sip:w@x>;tag=wt",
    remote='"\xe9" <sip:c@x>;tag=ct',
    caller=Address("127.0.0.2", 5071, "tcp"),
    caller_target="sip:caller@127.0.0.2",
    caller_routes=("<sip:a;lr>", "<sip:b;lr>"),
    caller_cseq=7,
    worker_cseq=8,
)


class Clock:
    """Stands still until it is set."""

    time = datetime(2026, 5, 1, tzinfo=UTC)

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return 0.0


def kept(actions: list[Action], before: dict[str, str] | None = None) -> dict[str, str]:
    """What is kept after these actions."""
    texts = dict(before or {})
    for one in actions:
        if isinstance(one, Keep) and one.text is None:
            texts.pop(one.key, None)
        elif isinstance(one, Keep):
            texts[one.key] = str(one.text)
    return texts


def test_a_dialogs_text_says_all_of_it():
    assert Dialog.from_text(DIALOG.to_text()) == DIALOG


def test_a_worker_that_dies_after_a_restart_still_gets_its_callers_a_bye(line, say):
    seen = line.begin()
    texts = kept(line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker))
    line.restart()
    assert not line.core.worker_gone(line.worker, line.now)
    line.core.take_up(["{}", "nonsense", *texts.values()], line.now)
    actions = line.core.worker_gone(line.worker, line.now)
    ((bye, dest),) = say.sent(actions)
    assert (bye.method, dest, bye.first("call-id"), bye.first("cseq")) == ("BYE", line.caller, "c1", "1 BYE")
    assert kept(actions, texts) == texts
    assert not kept(line.hear(say.answer(bye, 200)), texts)


def test_a_call_that_was_being_set_up_is_answered_through_the_next_edge(line, say):
    routes = "Record-Route: <sip:127.0.0.2:5080;lr>\r\n"
    seen = say.sent(line.admit(say.key_of(line.hear(say.invite(extra=routes)))))[0][0]
    line.restart()
    forged = say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>")
    assert not line.hear(forged, line.second)
    assert not line.hear(forged.replace(b"Call-ID: c1", b"Call-ID: c2"), line.worker)
    assert not line.hear(say.answer(seen, 486), line.worker)
    actions = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    ((ok, dest),) = say.sent(actions)
    assert (ok.status, dest, len(ok.all("via")), len(kept(actions))) == (200, line.caller, 1, 1)
    ((ack, there),) = say.sent(line.hear(say.in_dialog("ACK", ok, cseq=1, branch="z9hG4bKack")))
    assert (ack.method, there) == ("ACK", line.worker)
    ((bye, dest),) = say.sent(line.core.worker_gone(line.worker, line.now))
    assert (bye.method, dest, bye.first("route")) == ("BYE", ("127.0.0.2", 5080, "udp"), "<sip:127.0.0.2:5080;lr>")


def test_a_dialog_that_has_ended_is_kept_no_longer(line, say):
    seen = line.begin()
    actions = line.hear(say.answer(seen, 200, contact="<sip:w@127.0.0.1:6001>"), line.worker)
    texts = kept(actions)
    (ok, _), *_ = say.sent(actions)
    assert len(texts) == 1
    assert not kept(line.hear(say.in_dialog("BYE", ok, cseq=2, branch="z9hG4bKbye")), texts)


def test_what_was_kept_is_there_after_a_kill_and_what_was_forgotten_or_old_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keepsakes, "MOST_LINES", 10)
    path, clock = tmp_path / "dialogs", Clock()
    first = Keepsakes(path, clock)
    assert first.open() == []
    first.keep(Keep("old", "old"))
    clock.time += timedelta(hours=3)
    for number in range(40):
        first.keep(Keep(f"{number}", f"text {number}"))
        first.keep(Keep("same", f"same {number}"))
        if number != 33:
            first.keep(Keep(f"{number}", None))
    assert len(path.read_bytes().splitlines()) < 30
    with path.open("ab") as file:
        file.write(b'{"key": "ha')
    clock.time += timedelta(hours=2)
    again = Keepsakes(path, clock)
    assert sorted(again.open()) == ["same 39", "text 33"]
    again.close()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_place_that_takes_nothing_costs_the_keepsakes_only(tmp_path: Path) -> None:
    nowhere = Keepsakes(tmp_path / "missing" / "dialogs", Clock())
    assert nowhere.open() == []
    nowhere.keep(Keep("a", "b"))
