"""The power states of servers: nova/compute/power_state.py."""

from __future__ import annotations

NOSTATE, RUNNING, PAUSED, SHUTDOWN, CRASHED, SUSPENDED = (0, 1, 3, 4, 6, 7)
