"""Verdicts about resizes, evacuations and live migrations, with plain values."""

from __future__ import annotations

import pytest

from pytest_osfutures.operations.judge import Failed
from pytest_osfutures.operations.resource_types import ACTION, MIGRATIONS
from tests.unit.judging import Judged, asks, done, runs, why

MIGRATION = {
    "id": 7,
    "uuid": "m",
    "migration_type": "live-migration",
    "created_at": "2026-01-01T00:00:01.000000",
}
OLD = {**MIGRATION, "id": 6, "created_at": "2025-12-31T23:59:00.000000", "status": "completed"}


@pytest.mark.parametrize("operation", ["server.resize", "server.migrate"])
@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_resize_accepts_an_automatic_confirmation(operation: str, status: str) -> None:
    case = Judged(operation, id="s")
    assert asks(case.server(status), ACTION)
    assert done(case.action(("compute_finish_resize", "Success")))


def test_confirm_resize_may_fail_without_a_task() -> None:
    case = Judged("server.confirm_resize", id="s")
    assert asks(case.server("VERIFY_RESIZE"), ACTION)
    assert runs(case.action(("compute_confirm_resize", None)))
    assert "compute_confirm_resize" in why(case.action(("compute_confirm_resize", "Error")))


def test_an_evacuation_needs_its_event() -> None:
    case = Judged("server.evacuate", id="s")
    assert runs(case.server("REBUILD", "rebuilding"))
    assert asks(case.server("SHUTOFF"), ACTION)
    assert runs(case.action(("rebuild_server", "Success")))
    event = ("compute_rebuild_instance", "Success")
    assert done(case.action(("rebuild_server", "Success"), event))


def live() -> Judged:
    """Return a live migration whose server is ACTIVE again, with its action read."""
    case = Judged("server.live_migrate", id="s")
    case.server("MIGRATING", "migrating", hostId="a")
    assert asks(case.server("ACTIVE", hostId="b"), ACTION)
    assert asks(case.action(("compute_live_migration", "Success")), MIGRATIONS)
    return case


def test_live_migration_is_judged_by_its_migration() -> None:
    case = live()
    assert runs(case.see(MIGRATIONS, {"migrations": [{**MIGRATION, "status": "running"}]}, id="s"))
    ended = {"migrations": [OLD, {**MIGRATION, "status": "completed"}]}
    assert done(case.see(MIGRATIONS, ended, id="s"))


@pytest.mark.parametrize("status", ["error", "failed", "cancelled"])
def test_live_migration_fails_with_its_migration(status: str) -> None:
    case = live()
    found = {"migrations": [OLD, {**MIGRATION, "status": status}]}
    assert status in why(case.see(MIGRATIONS, found, id="s"))


def test_live_migration_ignores_earlier_migrations() -> None:
    assert not done(live().see(MIGRATIONS, {"migrations": [OLD]}, id="s"))


def test_a_server_that_is_back_on_its_host_was_not_migrated() -> None:
    case = Judged("server.live_migrate", id="s")
    case.server("MIGRATING", "migrating", hostId="a")
    assert asks(case.server("ACTIVE", hostId="a"), ACTION)
    case.action(("compute_live_migration", "Success"))
    assert isinstance(case.server("ACTIVE", hostId="a"), Failed)


def test_live_migration_uses_the_event_if_migrations_are_hidden() -> None:
    case = live()
    assert runs(case.see(MIGRATIONS, None, id="s"))
    assert done(case.action(("compute_post_live_migration_at_destination", "Success")))


@pytest.mark.parametrize(
    ("operation", "good", "bad"),
    [
        ("server.live_migration_abort", "cancelled", "completed"),
        ("server.live_migration_force_complete", "completed", "cancelled"),
    ],
)
def test_requests_about_a_migration_are_judged_by_it(operation: str, good: str, bad: str) -> None:
    for status, expected in ((good, True), (bad, False)):
        case = Judged(operation, id="s", migration="7")
        assert runs(case.server("MIGRATING", "migrating"))
        assert asks(case.server("ACTIVE"), MIGRATIONS)
        found = {"migrations": [OLD, {**MIGRATION, "status": status}]}
        verdict = case.see(MIGRATIONS, found, id="s")
        assert done(verdict) is expected
