"""The ledger's record of a request that failed."""

from __future__ import annotations

import pytest

from pytest_osfutures.calls.submit import submit_stamped
from pytest_osfutures.cleanup.ledger import Ledger
from tests.unit.api import Fault, answers, lost_after, lost_before
from tests.unit.stepped import Cloud


@pytest.mark.parametrize(
    ("faults", "state"),
    [
        ([answers(400)], "gone"),
        ([answers(409)], "gone"),
        ([answers(408)], "intent"),
        ([answers(500)], "intent"),
        ([lost_before], "intent"),
        ([lost_after], "intent"),
    ],
)
def test_only_a_refused_request_is_known_to_have_made_nothing(
    faults: list[Fault], state: str
) -> None:
    cloud = Cloud()
    stamp = cloud.context.new_stamp()
    assert stamp is not None
    ledger = Ledger(None, stamp.run)
    cloud.api.fault("POST", "/servers", *faults)
    with pytest.raises(Exception, match=r"HTTP|cloud\.test"):
        submit_stamped(cloud.context, cloud.create, stamp, ledger.record(stamp))
    assert [row.state for row in ledger.rows()] == [state]
    ledger.close()


def test_a_try_that_sends_nothing_leaves_the_record_of_the_try_before() -> None:
    cloud = Cloud()
    stamp = cloud.context.new_stamp()
    assert stamp is not None
    ledger = Ledger(None, stamp.run)
    record = ledger.record(stamp)
    cloud.api.fault("POST", "/servers", lost_after)
    with pytest.raises(Exception, match=r"cloud\.test"):
        submit_stamped(cloud.context, cloud.create, stamp, record)

    def call() -> None:
        raise ValueError("no such flavor")

    with pytest.raises(ValueError, match="flavor"):
        submit_stamped(cloud.context, call, stamp, record)
    assert [row.state for row in ledger.rows()] == ["intent"]
    ledger.close()
