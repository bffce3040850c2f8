"""The settings of a cloud: durations, latencies, quotas, page sizes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel.numbers import parse_duration, parse_natural

MOST_SIGMA = 5.0  #: with a larger spread, a drawn duration can exceed any float
UNLISTED_SECONDS = 1.0  #: the duration of an operation that `SECONDS` does not name

# Medians in seconds, like those of a small cloud with a fast hypervisor.
SECONDS: dict[str, float] = {
    "server.create": 8.0,
    "server.delete": 2.0,
    "server.start": 2.0,
    "server.stop": 3.0,
    "server.reboot": 3.0,
    "server.pause": 0.5,
    "server.unpause": 0.5,
    "server.suspend": 1.5,
    "server.resume": 1.5,
    "server.rescue": 3.0,
    "server.unrescue": 2.0,
    "server.resize": 6.0,
    "server.confirm_resize": 1.0,
    "server.revert_resize": 4.0,
    "server.live_migrate": 7.0,
    "server.evacuate": 6.0,
    "server.rebuild": 6.0,
    "server.shelve": 5.0,
    "server.shelve_offload": 1.5,
    "server.unshelve": 5.0,
    "server.create_image": 4.0,
    "server.create_backup": 4.0,
    "server.change_password": 1.0,
    "server.restore": 1.0,
    "server.attach_volume": 1.0,
    "server.detach_volume": 1.0,
    "server.swap_volume": 2.0,
    "server.detach_interface": 0.5,
    "guest.boot": 6.0,
    # after the boot has come so far
    "guest.authorize_key": 0.0,
    "guest.cloud_init": 0.0,
    "guest.ssh": 0.0,
    "guest.http": 0.0,
    "volume.create": 1.5,
    "volume.delete": 1.0,
    "volume.extend": 1.0,
    "volume.retype": 2.0,
    "volume.migrate": 4.0,
    "volume.upload": 3.0,
    "volume.revert": 1.5,
    "volume.reimage": 2.0,
    "volume.manage": 1.0,
    "volume.unmanage": 0.5,
    "snapshot.create": 1.0,
    "snapshot.delete": 0.8,
    "snapshot.manage": 1.0,
    "snapshot.unmanage": 0.5,
    "backup.create": 3.0,
    "backup.restore": 3.0,
    "backup.delete": 0.8,
    "group.create": 0.5,
    "group.update": 0.5,
    "group.delete": 1.0,
    "group.enable_replication": 1.0,
    "group.disable_replication": 1.0,
    "group.failover_replication": 2.0,
    "group_snapshot.create": 1.0,
    "group_snapshot.delete": 0.8,
    "image.import": 1.5,
    "port.bind": 0.5,
    "trunk.connect": 1.0,
}

QUOTAS: dict[str, int] = {
    # compute
    "instances": 1000,
    "cores": 4000,
    "ram": 8_000_000,
    "key_pairs": 100,
    "metadata_items": 128,
    "server_groups": 10,
    "server_group_members": 10,
    # block storage
    "volumes": 1000,
    "snapshots": 1000,
    "gigabytes": 100_000,
    "per_volume_gigabytes": -1,
    "backups": 100,
    "backup_gigabytes": 10_000,
    "groups": 100,
    # network
    "network": 100,
    "subnet": 100,
    "port": 5000,
    "router": 100,
    "floatingip": 100,
    "security_group": 100,
    "security_group_rule": 1000,
}


@dataclass
class CloudSettings:
    """The settings of a `FakeCloud`.

    Settings can change at any time; an operation keeps the duration with which it began.
    """

    #: the median duration of each operation, in seconds
    seconds: dict[str, float] = field(default_factory=lambda: dict(SECONDS))
    #: the standard deviation of the durations on a logarithmic scale; 0: always the median
    sigma: float = 0.0
    latency: float = 0.0  #: seconds before each response
    #: seconds to add, by method: {"POST": 0.1}
    method_latency: dict[str, float] = field(default_factory=dict)
    list_latency: float = 0.0  #: seconds for a detailed list, instead of `method_latency`
    item_latency: float = 0.0  #: seconds to add for each item of a detailed list
    api_workers: int = 0  #: the number of requests that are handled at a time; 0: no limit
    quotas: dict[str, int] = field(default_factory=lambda: dict(QUOTAS))
    token_seconds: float = 3600.0  #: the lifetime of a token
    page_limit: int = 1000  #: the greatest number of items on a page; 0: no limit
    #: `page_limit` by service; by default Neutron (`pagination_max_limit`) and Keystone
    #: (`max_db_limit`) have no limit
    page_limits: dict[str, int] = field(default_factory=lambda: {"network": 0, "identity": 0})
    deleted_seconds: float = 0.2  #: how long GET shows a deleted server as DELETED
    soft_delete: bool = False  #: deleted servers are SOFT_DELETED and can be restored
    shelved_offload: bool = True  #: a shelved server is offloaded at once
    console_output: str = ""  #: the console of each server, instead of the log of its boot

    def most_on_a_page(self, service: str) -> int:
        """Return the greatest number of items on a page of that service's lists; 0: no limit."""
        return self.page_limits.get(service, self.page_limit)

    def as_dict(self) -> dict[str, Any]:
        """Return all settings as JSON-able values."""
        return asdict(self)

    def change(self, values: Mapping[str, Any]) -> None:
        """Change the settings in `values`; a mapping is merged.

        Raises ValueError, and changes nothing, if a name is unknown or a value is not accepted.
        """
        for name, value in values.items():
            if not self._takes(name, value):
                raise ValueError(f"no setting {name!r:.50} accepts the value {value!r:.100}")
        for name, value in values.items():
            if isinstance(value, dict):
                getattr(self, name).update(value)
            else:
                setattr(self, name, value)

    def _takes(self, name: str, value: Any) -> bool:
        """Return True if no later request can fail because of this value."""
        old = self.as_dict().get(name)
        if isinstance(old, dict):
            least = -1 if name == "quotas" else 0
            check = parse_natural if name in ("quotas", "page_limits") else parse_duration
            return isinstance(value, dict) and all(
                isinstance(key, str) and (each == least or check(each) is not None)
                for key, each in value.items()
            )
        if isinstance(old, bool | str):
            return type(value) is type(old)
        if isinstance(old, int):
            return type(value) is int and parse_natural(value) is not None
        if name == "sigma":
            return parse_duration(value, MOST_SIGMA) is not None
        return isinstance(old, float) and parse_duration(value) is not None
