"""The cloud's time decides about expiry, and not the local clock."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cleanup.cleanups import sweep_expired
from pytest_osfutures.cleanup.orphans import expired
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import cloud_time as cloudtime
from pytest_osfutures.transport.cloud_time import CloudTime
from tests.unit.api import Api, session
from tests.unit.cleanup.test_sweep import OTHER, RUN, World, stamp

HOURS = 3600.0


@pytest.fixture
def up(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Replace the computer's uptime by a number that the test changes."""
    now = [1000.0]
    monkeypatch.setattr(cloudtime, "_uptime", lambda: now[0])
    return now


def test_before_any_response_the_local_clock_counts() -> None:
    clock = ManualClock()
    assert CloudTime().time(clock) == clock.time()


def test_between_responses_the_uptime_counts(up: list[float]) -> None:
    time = CloudTime()
    time.learn_date("Sat, 28 Nov 2026 12:00:00 GMT")
    noon = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
    assert time.time(ManualClock()) == noon
    up[0] += 90
    assert time.time(ManualClock()) == noon + 90


ODD = [None, "", "soon", "²", "Sat, 28 Nov 99999 12:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]


@pytest.mark.parametrize("header", ODD)
def test_invalid_dates_are_ignored(header: str | None) -> None:
    time, clock = CloudTime(), ManualClock()
    time.learn_date(header)
    assert time.time(clock) == clock.time()


@pytest.mark.parametrize("wrong", [-7 * HOURS, 7 * HOURS])
def test_stamps_expire_by_the_clouds_clock(wrong: float, up: list[float]) -> None:
    del up
    engine = SteppedEngine(ManualClock())
    api = Api(engine.clock)
    cloud = osf.connect(session=session(api), engine=engine)
    moment = engine.clock.time() + wrong
    cloud.api_client.cloud_time.learn(datetime.fromtimestamp(moment, UTC))
    future = cloud.nova.servers.create_async_r("web", "image", "flavor", nics="none")
    assert engine.run_until(future.done, 1000)
    mark = Stamp.of({"metadata": future.result().metadata})
    assert mark is not None
    assert abs(mark.expires - (moment + 6 * HOURS)) <= 1


@pytest.mark.parametrize("wrong", [-7 * HOURS, 7 * HOURS])
def test_a_wrong_local_clock_changes_no_expiry(wrong: float, up: list[float]) -> None:
    del up
    world = World()
    now = int(world.clock.time() + wrong)
    world.api_client.cloud_time.learn(datetime.fromtimestamp(now, UTC))
    fresh = world.volume(stamp(OTHER, now + 60).metadata())
    world.volume(stamp(OTHER, now - 60).metadata())
    world.clock.advance(30)
    assert sweep_expired(world.context, [RUN]) == {}
    assert world.left() == {fresh}
    world.ledger.close()


def test_a_fixed_stamp_is_valid_as_long_as_its_run() -> None:
    from pytest_osfutures.operations import OWNED_TYPES
    from pytest_osfutures.ownership.resource import StampedResource

    def left(kind: str, run: str, expires: int, status: str = "") -> StampedResource:
        return StampedResource(
            OWNED_TYPES[kind], kind + run + status, Stamp(run, "0" * 16, expires), "", status
        )

    living = [
        left("keypair", RUN, 10),
        left("server", RUN, 10, "ERROR"),
        left("volume", RUN, 200),
    ]
    old = [
        left("server", RUN, 10, "ACTIVE"),
        left("keypair", OTHER, 10),
        left("server", OTHER, 10, "ERROR"),
    ]
    assert expired(living + old, 100) == old
