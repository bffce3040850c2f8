"""The guest in a server: its boots, the ports that it opens, and the keys that it accepts.

A guest is a plan that is made when the server is powered on. Fault rules for the operations
`guest.boot`, `guest.authorize_key`, `guest.cloud_init`, `guest.ssh` and `guest.http` change the
plan.
"""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_osfutures.fakecloud.kernel import Runtime
from pytest_osfutures.fakecloud.services.compute.models.power import PAUSED, RUNNING, SUSPENDED

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
    from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel

NEVER = math.inf
#: The parts of a boot after which a guest has its keys, opens its ports, and cloud-init is done.
KEYS_AT, SSH_AT, HTTP_AT, CLOUD_INIT_AT = 0.6, 0.75, 0.9, 0.97
#: The task states in which a guest is down, or cannot be reached.
DOWN = (
    *("powering-off", "powering-on", "rebooting", "reboot_pending", "reboot_started"),
    *("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"),
    *("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning", "rescuing", "unrescuing"),
    *("resize_migrating", "resize_migrated", "resize_finish", "resize_reverting"),
    *("pausing", "suspending", "shelving_offloading", "deleting", "soft-deleting"),
)


@dataclass(frozen=True)
class OpenPort:
    """A port of a guest."""

    opens: float  #: seconds after the power-on; `NEVER` if the service does not start
    answers: bool = True  #: False if the service accepts connections and says nothing


@dataclass(frozen=True)
class Boot:
    """One boot of a guest. Durations are in seconds of the cloud's time."""

    began: float  #: on the cloud's clock
    date: float  #: of the power-on, in seconds since 1970
    seconds: float  #: from the power-on to `login:`
    last: float = NEVER  #: the boot hangs after so many seconds
    panic: str | None = None  #: the reason of a kernel panic at `last`
    ports: Mapping[str, OpenPort] = field(default_factory=dict)  #: "ssh" and "http"
    key_at: float = 0.0  #: seconds until the guest accepts its keys
    cloud_init_at: float = 0.0  #: seconds until cloud-init has finished
    cloud_init_failed: bool = False  #: True if cloud-init finishes with an error
    halted_at: float | None = None  #: the power was cut, or the guest paused, at this time

    def elapsed(self, now: float) -> float:
        """Return for how many seconds the guest has made progress until `now`."""
        until = now if self.halted_at is None else min(now, self.halted_at)
        return min(until - self.began, self.last)

    def open_ports(self, now: float) -> dict[str, OpenPort]:
        """Return the ports that are open now, by the names of their services."""
        if self.halted_at is not None:
            return {}
        passed = self.elapsed(now)
        return {name: port for name, port in self.ports.items() if port.opens <= passed}

    def takes_keys(self, now: float) -> bool:
        """Return True if the guest accepts its keys now."""
        return self.key_at <= self.elapsed(now)

    def cloud_init_status(self, now: float) -> str:
        """Return the status of cloud-init: `running`, `done` or `error`.

        https://docs.cloud-init.io/en/latest/reference/cli.html#status
        """
        if self.elapsed(now) < self.cloud_init_at:
            return "running"
        return "error" if self.cloud_init_failed else "done"


def plan(runtime: Runtime, server: ServerRecord) -> Boot:
    """Return the boot of a server that is powered on now, as the fault rules say."""
    seconds = runtime.seconds("guest.boot")
    boot = Boot(runtime.schedule.now(), runtime.schedule.time(), seconds)
    fault = runtime.faults.on_operation("guest.boot", server)
    if fault is not None and fault.effect == "late":
        boot = replace(boot, seconds=seconds + (fault.seconds or 0.0))
    elif fault is not None and fault.effect in ("error", "stuck"):
        last = seconds / 2 if fault.seconds is None else fault.seconds
        why = fault.message or "VFS: Unable to mount root fs on unknown-block(0,0)"
        boot = replace(boot, last=last, panic=why if fault.effect == "error" else None)
    times = {"ssh": SSH_AT * boot.seconds, "http": HTTP_AT * boot.seconds}
    ports = {name: _port(runtime, server, name, at) for name, at in times.items()}
    keys = _port(runtime, server, "authorize_key", KEYS_AT * boot.seconds)
    if fault is not None and fault.effect == "silent":  # the guest comes up without its network
        ports = {}
    boot = replace(boot, ports=ports, key_at=keys.opens if keys.answers else NEVER)
    return _with_cloud_init(runtime, server, boot)


def _with_cloud_init(runtime: Runtime, server: ServerRecord, boot: Boot) -> Boot:
    at = CLOUD_INIT_AT * boot.seconds + runtime.seconds("guest.cloud_init")
    fault = runtime.faults.on_operation("guest.cloud_init", server)
    if fault is None:
        return replace(boot, cloud_init_at=at)
    if fault.effect == "late":
        return replace(boot, cloud_init_at=at + (fault.seconds or 0.0))
    if fault.effect == "stuck":
        return replace(boot, cloud_init_at=NEVER)
    return replace(boot, cloud_init_at=at, cloud_init_failed=True)


def _port(runtime: Runtime, server: ServerRecord, name: str, at: float) -> OpenPort:
    opens = at + runtime.seconds(f"guest.{name}")
    fault = runtime.faults.on_operation(f"guest.{name}", server)
    if fault is None:
        return OpenPort(opens)
    if fault.effect == "late":
        return OpenPort(opens + (fault.seconds or 0.0))
    return OpenPort(opens, answers=False) if fault.effect == "stuck" else OpenPort(NEVER)


def power_on(model: ComputeModel, server: ServerRecord) -> None:
    """Begin a boot of the guest, with an empty console."""
    server.boot = plan(model.runtime, server)


def halt(model: ComputeModel, server: ServerRecord) -> None:
    """Stop the guest, by the power or by a pause; its console stays as it is."""
    if server.boot is not None and server.boot.halted_at is None:
        server.boot = replace(server.boot, halted_at=model.runtime.schedule.now())


def resume(model: ComputeModel, server: ServerRecord) -> None:
    """Let a paused guest go on."""
    boot = server.boot
    if boot is not None and boot.halted_at is not None:
        pause = model.runtime.schedule.now() - boot.halted_at
        server.boot = replace(boot, began=boot.began + pause, halted_at=None)


def follow(model: ComputeModel, server: ServerRecord, before: int, boots: bool) -> None:
    """Let the guest follow the power state of its server, at the end of an operation.

    Args:
        model: the state of Nova.
        server: the server, in its new power state.
        before: the power state before the operation.
        boots: True if the operation has booted a guest that ran before, too.
    """
    if server.power_state != RUNNING:
        halt(model, server)
    elif boots or before not in (RUNNING, PAUSED, SUSPENDED):
        power_on(model, server)
    elif before != RUNNING:
        resume(model, server)


def open_ports(server: ServerRecord, now: float) -> dict[str, OpenPort]:
    """Return the ports of the guest that are open now; none while an operation holds it down."""
    if server.boot is None or server.task_state in DOWN:
        return {}
    return server.boot.open_ports(now)


def authorized_keys(server: ServerRecord) -> list[str]:
    """Return the public keys of the guest: of its keypair and of its user data (cloud-config).

    https://docs.cloud-init.io/en/latest/reference/modules.html#ssh
    """
    config = _cloud_config(server.user_data)
    users = config.get("users")
    entries = [config, *(users if isinstance(users, list) else ())]
    given = [each.get("ssh_authorized_keys") for each in entries if isinstance(each, dict)]
    found = [server.key_data, *given]
    lists = (each if isinstance(each, list) else [each] for each in found)
    return [key.strip() for each in lists for key in each if isinstance(key, str)]


def _cloud_config(user_data: str | None) -> dict[str, Any]:
    """Return the cloud-config in base64-encoded user data; empty for any other user data."""
    import yaml

    try:
        text = base64.b64decode(user_data or "", validate=True).decode()
    except (binascii.Error, ValueError):
        return {}
    if not text.startswith("#cloud-config"):
        return {}
    try:
        config = yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
