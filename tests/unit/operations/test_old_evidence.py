"""Evidence that is older than the request, or about another migration, decides nothing."""

from __future__ import annotations

from pytest_osfutures.operations.resource_types import MIGRATIONS
from tests.unit.judging import Judged, asks, runs
from tests.unit.operations.test_compute_moves import OLD
from tests.unit.operations.test_status_words import FAILED_NODE, NODE, done


def test_an_error_that_the_request_has_cleared_is_no_failure() -> None:
    assert done(NODE, FAILED_NODE, was_busy="yes", goal_provision_state="enroll") is True


def test_requests_about_a_migration_wait_until_that_migration_is_listed() -> None:
    case = Judged("server.live_migration_abort", id="s", migration="7")
    assert asks(case.server("ACTIVE"), MIGRATIONS)
    assert runs(case.see(MIGRATIONS, {"migrations": [OLD]}, id="s"))
