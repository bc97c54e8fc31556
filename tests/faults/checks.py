"""What must hold after every fault: nothing half registered, no call stuck, one terminal event a call, no leftovers."""

import time
from collections.abc import Mapping

from tests.e2e.product import Product

SECONDS = 30.0
"""Within this time of a restart everything is finished or undone."""

OPEN_THINGS = {
    "open operations": "SELECT id, kind, state FROM operations WHERE state IN ('running', 'undoing')",
    "calls that are not over": "SELECT id, status FROM calls WHERE status NOT IN ('completed', 'failed')",
    "load of workers": "SELECT id, live FROM workers WHERE state <> 'gone' AND live <> 0",
}
FAULTS = {
    "operations that failed": "SELECT id, error FROM operations WHERE state = 'failed'",
    "calls without exactly one terminal event": """
        SELECT c.id, count(e.seq) FROM calls c LEFT JOIN call_events e ON e.call_id = c.id AND e.type = 'ended'
        GROUP BY c.id HAVING count(e.seq) <> 1""",
    "calls whose terminal event is not their last": """
        SELECT call_id FROM call_events GROUP BY call_id
        HAVING max(seq) <> max(seq) FILTER (WHERE type = 'ended') OR max(seq) + 1 <> count(*)""",
    "calls without an end": "SELECT id FROM calls WHERE ended_at IS NULL OR end_reason IS NULL",
    "numbers that lack a part": """
        SELECT n.id, n.status FROM phone_numbers n
        LEFT JOIN inbound_trunks i ON i.id = n.inbound_trunk_id AND i.number = n.phone_number
        LEFT JOIN outbound_trunks o ON o.id = n.outbound_trunk_id AND o.number = n.phone_number
        LEFT JOIN dispatch_rules r ON r.id = n.dispatch_rule_id AND r.phone_id = n.id AND r.trunk_id = i.id
        WHERE n.deleted_at IS NULL AND (n.status <> 'active' OR i.id IS NULL OR o.id IS NULL OR r.id IS NULL)""",
    "inbound trunks of no number": """
        SELECT id FROM inbound_trunks i WHERE NOT EXISTS
        (SELECT 1 FROM phone_numbers n WHERE n.inbound_trunk_id = i.id AND n.deleted_at IS NULL)""",
    "outbound trunks of no number": """
        SELECT id FROM outbound_trunks o WHERE NOT EXISTS
        (SELECT 1 FROM phone_numbers n WHERE n.outbound_trunk_id = o.id AND n.deleted_at IS NULL)""",
    "dispatch rules of no number": """
        SELECT id FROM dispatch_rules r WHERE NOT EXISTS
        (SELECT 1 FROM phone_numbers n WHERE n.dispatch_rule_id = r.id AND n.deleted_at IS NULL)""",
}


def require_sound(product: Product) -> None:
    """Wait until all is over, for SECONDS at most; then fail for whatever is out of order."""
    until = time.monotonic() + SECONDS
    while (left := _found(product, OPEN_THINGS)) and time.monotonic() < until:
        time.sleep(0.2)
    assert not left
    assert not _found(product, FAULTS)
    assert not list((product.data_dir / "recordings").rglob("*.part"))


def _found(product: Product, queries: Mapping[str, str]) -> dict[str, list[tuple[object, ...]]]:
    found = {what: product.rows(query) for what, query in queries.items()}
    return {what: rows for what, rows in found.items() if rows}
