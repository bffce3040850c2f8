"""Time as a value."""

from __future__ import annotations

import time

import pytest

from pytest_osfutures.clock import ManualClock, ScaledClock, SystemClock


def test_a_manual_clock_stands_still_until_advanced() -> None:
    clock = ManualClock(epoch=1000.0)
    assert (clock.now(), clock.time()) == (0.0, 1000.0)
    clock.advance(2.5)
    clock.sleep(1.5)
    assert (clock.now(), clock.time()) == (4.0, 1004.0)


def test_a_manual_clock_never_goes_back() -> None:
    clock = ManualClock()
    clock.advance_to(10)
    clock.advance_to(5)
    clock.sleep(-3)
    assert clock.now() == 10
    with pytest.raises(ValueError, match="does not go back"):
        clock.advance(-1)


def test_the_system_clock_is_the_computers() -> None:
    clock = SystemClock()
    before = time.monotonic()
    assert before <= clock.now() <= time.monotonic()
    assert abs(clock.time() - time.time()) < 5
    clock.sleep(-1)


def test_a_scaled_clock_runs_faster_and_starts_at_the_real_date(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    real = [100.0]
    slept: list[float] = []
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    monkeypatch.setattr(time, "time", lambda: 5000.0)
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = ScaledClock(20)
    real[0] += 3
    assert clock.now() == 60
    assert clock.time() == 5060
    clock.sleep(10)
    clock.sleep(-1)
    assert slept == [0.5]


def test_dates_can_stay_real(monkeypatch: pytest.MonkeyPatch) -> None:
    real = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: real[0])
    monkeypatch.setattr(time, "time", lambda: 5000.0)
    clock = ScaledClock(20, real_dates=True)
    real[0] += 3
    assert (clock.now(), clock.time()) == (60, 5003)


@pytest.mark.parametrize("speed", [0, -1, float("nan")])
def test_a_speed_that_is_none_is_refused(speed: float) -> None:
    with pytest.raises(ValueError, match="speed"):
        ScaledClock(speed)
