"""A call that reaches its longest duration; it began when the first test that asks for it did."""

import pytest
from tests.e2e.conftest import SHORTEST_LIMIT, LongCall
from tests.e2e.product import Product

pytestmark = pytest.mark.e2e


def test_a_call_ends_at_its_limit(product: Product, long_call: LongCall) -> None:
    assert long_call.heard_for.result() == pytest.approx(SHORTEST_LIMIT, abs=1)
    call = product.ended_call(long_call.number)
    assert (call["status"], call["end_reason"]) == ("completed", "max_duration")
    assert call["duration_seconds"] == pytest.approx(SHORTEST_LIMIT, abs=0.5)
