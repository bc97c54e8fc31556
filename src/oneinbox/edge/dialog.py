"""A dialog that runs through the edge, and its text, from which an edge that comes after this one can go on."""

import json
from dataclasses import asdict, dataclass
from typing import Self

from oneinbox.edge.actions import Address
from oneinbox.edge.signing import Hop

Key = tuple[str, str, str]
"""Call-ID, the caller's tag, the worker's tag."""


@dataclass(slots=True)
class Dialog:
    """An answered call. `local` and `remote` are the To and From values as the worker sees itself and its caller."""

    key: Key
    hop: Hop
    local: str
    remote: str
    caller: Address
    """Where the caller was heard last."""
    caller_target: str
    caller_routes: tuple[str, ...]
    caller_cseq: int
    worker_cseq: int = 0
    orphaned: bool = False
    session: int = 0
    """Seconds within which the caller has promised to refresh the call; 0: never."""
    refreshed: float = 0.0
    """When it has done so last."""

    @property
    def name(self) -> str:
        """The key as one text."""
        return json.dumps(self.key)

    def to_text(self) -> str:
        """All of it as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """What `to_text` wrote. Raises ValueError, TypeError or KeyError when it is something else."""
        said = json.loads(text)
        sides = {side: Address(*address) for side, address in said["hop"].items()}
        call_id, caller_tag, worker_tag = said["key"]
        known = {
            "key": (call_id, caller_tag, worker_tag),
            "hop": Hop(**sides),
            "caller": Address(*said["caller"]),
            "caller_routes": tuple(said["caller_routes"]),
        }
        return cls(**said | known)
