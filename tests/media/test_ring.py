"""Both directions between the tick and the engine's rings, against a ring that is moved by hand."""

from dataclasses import dataclass, field

from baresip import AudioInfo, AudioRestarted

from oneinbox.adapters.media.embedded.ring import LEAD_BLOCKS, SILENCE, SLACK_BLOCKS, Hearing, Mouth
from oneinbox.contracts.media import BLOCK_BYTES


def block(number: int) -> bytes:
    """A block with sound that can be told from others."""
    return (1000 + number).to_bytes(2, "little") * (BLOCK_BYTES // 2)


@dataclass
class HandMovedRing:
    """The engine's rings; `pull` is its clock."""

    sending: bytearray = field(default_factory=bytearray)
    come: bytearray = field(default_factory=bytearray)
    on_line: list[bytes] = field(default_factory=list)
    ready: bool = True
    ptime_ms: int = 20
    restarted: bool = False

    def info(self) -> AudioInfo:
        return AudioInfo(
            self.ready, True, 8000, 1, self.ptime_ms, 8000, 1, len(self.sending), len(self.come), 32768, 32768
        )

    def write(self, pcm: bytes) -> int:
        self._check()
        if not self.ready:
            return 0
        self.sending += pcm
        return len(pcm)

    def read(self, max_bytes: int) -> bytes:
        self._check()
        taken = bytes(self.come[:max_bytes])
        del self.come[:max_bytes]
        return taken

    def flush_tx(self) -> None:
        self._check()
        self.sending.clear()

    def pull(self, blocks: int = 1) -> None:
        size = BLOCK_BYTES
        for _ in range(blocks):
            self.on_line.append(bytes(self.sending[:size]) or SILENCE)
            del self.sending[:size]

    def _check(self) -> None:
        if self.restarted:
            self.restarted = False
            raise AudioRestarted("replaced")


def speaking(ring: HandMovedRing, blocks: int) -> Mouth:
    """A mouth that has been ticking in step with its ring and has `blocks` to say."""
    mouth = Mouth(ring)
    for _ in range(5):
        mouth.tick()
        ring.pull()
    mouth.queue += b"".join(block(number) for number in range(blocks))
    return mouth


def test_the_ring_is_kept_its_lead_ahead() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 30)
    for _ in range(20):
        mouth.tick()
        assert len(ring.sending) == LEAD_BLOCKS * BLOCK_BYTES
        ring.pull()


def test_after_a_stall_nothing_is_lost_and_the_ring_gets_no_deeper() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 40)
    for _ in range(5):
        mouth.tick()
        ring.pull()
    ring.pull(8)
    said = [mouth.tick() for _ in range(8)]
    assert len(ring.sending) <= (LEAD_BLOCKS + 1) * BLOCK_BYTES
    while mouth.queue:
        said.append(mouth.tick())
        ring.pull()
    for _ in range(6):
        mouth.tick()
        ring.pull()
    heard = [sent for sent in ring.on_line if sent != SILENCE]
    assert heard == [block(number) for number in range(40)]
    assert [one for one in said if one != SILENCE] == heard[5:]
    mouth.tick()
    assert len(ring.sending) == LEAD_BLOCKS * BLOCK_BYTES


def test_what_waits_while_the_ring_is_away_is_said_when_it_is_back() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 4)
    mouth.tick()
    ring.sending.clear()
    ring.ready = False
    assert [mouth.tick() for _ in range(10)] == [SILENCE] * 10
    assert len(mouth.queue) == 3 * BLOCK_BYTES
    ring.ready = True
    said = []
    for _ in range(3):
        said.append(mouth.tick())
        ring.pull()
    assert said == [block(1), block(2), block(3)]


def test_a_replaced_ring_costs_no_queued_block() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 2)
    ring.restarted = True
    assert [mouth.tick() for _ in range(3)] == [SILENCE, block(0), block(1)]


def test_a_flush_counts_what_was_still_in_the_ring() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 10)
    for _ in range(5):
        mouth.tick()
        ring.pull()
    on_line = sum(sent != SILENCE for sent in ring.on_line)
    assert mouth.flush() == (10 - on_line) * BLOCK_BYTES // 2
    assert mouth.flush() == 0
    assert not ring.sending


def test_a_flush_counts_no_filling_and_no_half_block_twice() -> None:
    ring = HandMovedRing()
    mouth = speaking(ring, 0)
    mouth.queue += block(1)[:100]
    mouth.tick()
    assert mouth.flush() == 50


def test_longer_packets_have_a_longer_lead() -> None:
    ring = HandMovedRing(ptime_ms=60)
    mouth = speaking(ring, 0)
    mouth.queue += b"".join(block(number) for number in range(30))
    for _ in range(10):
        for _ in range(3):
            mouth.tick()
        assert len(ring.sending) >= 3 * BLOCK_BYTES
        ring.pull(3)
    heard = [sent for sent in ring.on_line if sent != SILENCE]
    first = ring.on_line.index(heard[0])
    assert SILENCE not in ring.on_line[first : first + len(heard)]
    assert mouth.lead_blocks == LEAD_BLOCKS + 2


def test_heard_blocks_come_in_order_and_halves_wait_for_their_rest() -> None:
    ring = HandMovedRing()
    hearing = Hearing(ring)
    ring.come += block(1) + block(2)[:100]
    assert [hearing.tick(0), hearing.tick(0)] == [block(1), SILENCE]
    ring.come += block(2)[100:]
    assert hearing.tick(0) == block(2)


def test_after_a_stall_each_owed_tick_takes_its_block() -> None:
    ring = HandMovedRing()
    hearing = Hearing(ring)
    ring.come += b"".join(block(number) for number in range(30))
    assert [hearing.tick(29 - n) for n in range(30)] == [block(number) for number in range(30)]


def test_lateness_goes_at_the_next_pause() -> None:
    ring = HandMovedRing()
    hearing = Hearing(ring)
    words = [block(number) for number in range(8)]
    ring.come += b"".join(words)
    heard = [hearing.tick(0)]
    for _ in range(20):
        ring.come += SILENCE
        heard.append(hearing.tick(0))
    assert [one for one in heard if one != SILENCE] == words
    ring.come += block(99)
    assert [hearing.tick(0) for _ in range(SLACK_BLOCKS + 1)][-1] == block(99)


def test_what_is_very_late_is_dropped_though_it_has_sound() -> None:
    ring = HandMovedRing()
    hearing = Hearing(ring)
    ring.come += b"".join(block(number) for number in range(40))
    hearing.tick(0)
    rest = [hearing.tick(0) for _ in range(20)]
    assert rest[-1] == SILENCE
    assert [one for one in rest if one != SILENCE][-1] == block(39)
