"""The cloud's time counts, not that of the computer the tests run on."""

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
    """How long the computer has been up: a number to change."""
    now = [1000.0]
    monkeypatch.setattr(cloudtime, "_uptime", lambda: now[0])
    return now


def test_until_the_cloud_has_said_something_it_is_the_clocks_time() -> None:
    clock = ManualClock()
    assert CloudTime().time(clock) == clock.time()


def test_between_two_answers_the_kernel_counts(up: list[float]) -> None:
    time = CloudTime()
    time.learn_date("Sat, 28 Nov 2026 12:00:00 GMT")
    noon = datetime(2026, 11, 28, 12, tzinfo=UTC).timestamp()
    assert time.time(ManualClock()) == noon
    up[0] += 90
    assert time.time(ManualClock()) == noon + 90


ODD = [None, "", "soon", "²", "Sat, 28 Nov 99999 12:00:00 GMT", "Thu, 01 Jan 1970 00:00:00 GMT"]


@pytest.mark.parametrize("header", ODD)
def test_what_is_no_date_is_no_news(header: str | None) -> None:
    time, clock = CloudTime(), ManualClock()
    time.learn_date(header)
    assert time.time(clock) == clock.time()


@pytest.mark.parametrize("wrong", [-7 * HOURS, 7 * HOURS])
def test_what_is_stamped_expires_by_the_clouds_clock(wrong: float, up: list[float]) -> None:
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
def test_a_wrong_clock_neither_shortens_nor_lengthens_a_life(wrong: float, up: list[float]) -> None:
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


def test_a_stamp_that_cannot_be_renewed_is_good_as_long_as_its_run_shows_life() -> None:
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
