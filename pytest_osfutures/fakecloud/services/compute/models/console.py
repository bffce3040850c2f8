"""The console of a server: the log of its guest's boot, which grows with the cloud's time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.utils import formatdate

from pytest_osfutures.fakecloud.services.compute.models.guest import (
    HTTP_AT,
    KEYS_AT,
    NEVER,
    SSH_AT,
    Boot,
)

CLOUD_INIT = "Cloud-init v. 24.4.1"
#: Bytes that Nova removes from a console (nova/api/openstack/compute/console_output.py).
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f]")


@dataclass(frozen=True)
class GuestFacts:
    """The properties of a server that its console shows."""

    hostname: str
    vcpus: int
    ram: int  #: MiB
    networks: Sequence[tuple[str, str]]  #: MAC and fixed address of each port
    keys: Sequence[str]  #: public keys in OpenSSH's format


def text(boot: Boot | None, guest: GuestFacts, now: float) -> str:
    """Return the console at the time `now` on the cloud's clock."""
    if boot is None:
        return ""
    passed = boot.elapsed(now)
    log = sorted(_log(boot, guest), key=lambda entry: entry[0])
    shown = "".join(_dated(entry, at, boot) for at, entry in log if at <= passed)
    return _CONTROL.sub("", shown.encode("ascii", "replace").decode())


def tail(console: str, length: int | None) -> str:
    """Return the last lines as Nova's `ComputeManager._tail_log` does; None is the whole console.

    Nova's result of -1, which its API takes for no limit, lacks the first line.
    """
    if length is None:
        return console
    return "\n".join(console.split("\n")[-length:]) if length else ""


def _dated(entry: str, at: float, boot: Boot) -> str:
    """Return an entry of the log with its time in place of the markers."""
    date = formatdate(boot.date + at).replace("-0000", "+0000")
    values = {"{uptime}": f"{at:.2f}", "{stamp}": f"[{at:12.6f}]", "{date}": date}
    for marker, value in values.items():
        entry = entry.replace(marker, value)
    return entry


def _log(boot: Boot, guest: GuestFacts) -> Iterable[tuple[float, str]]:
    """Yield the entries of a whole boot, each with the seconds after which it appears."""
    for share, line in (*_kernel(guest), *_cloud_init(guest)):
        yield share * boot.seconds, f"{line}\n"
    for at, line in _services(boot, guest):
        yield at, f"{line}\n"
    yield boot.seconds, f"\nLinux 6.12 {guest.hostname} ttyS0\n\n{guest.hostname} login: "
    if boot.panic is not None:
        yield boot.last, f"{{stamp}} Kernel panic - not syncing: {boot.panic}\n"
        yield boot.last, f"{{stamp}} ---[ end Kernel panic - not syncing: {boot.panic} ]---\n"


def _kernel(guest: GuestFacts) -> Iterable[tuple[float, str]]:
    """Yield the lines of firmware and kernel, each with its share of the boot."""
    yield 0.0, "SeaBIOS (version 1.16.3-debian-1.16.3-2)"
    yield 0.02, "Booting from Hard Disk..."
    yield 0.04, "GRUB loading."
    yield 0.08, "{stamp} Linux version 6.12.0-cloud-amd64 (gcc 14.2.0) #1 SMP PREEMPT_DYNAMIC"
    yield 0.08, "{stamp} Command line: BOOT_IMAGE=/boot/vmlinuz root=LABEL=root ro console=ttyS0"
    yield 0.1, f"{{stamp}} Memory: {guest.ram * 1024}K available"
    yield 0.12, f"{{stamp}} smp: Brought up 1 node, {guest.vcpus} CPU{'s' * (guest.vcpus > 1)}"
    yield 0.18, "{stamp} virtio_blk virtio2: [vda] 2097152 512-byte logical blocks"
    yield 0.22, "{stamp} EXT4-fs (vda1): mounted filesystem with ordered data mode."
    yield 0.26, "{stamp} systemd[1]: Detected virtualization kvm."
    yield 0.3, f"{{stamp}} systemd[1]: Hostname set to <{guest.hostname}>."
    yield 0.35, "[  OK  ] Reached target Local File Systems."


def _cloud_init(guest: GuestFacts) -> Iterable[tuple[float, str]]:
    """Yield the lines of cloud-init, each with its share of the boot."""
    for share, stage in ((0.4, "init-local"), (0.5, "init"), (0.8, "modules:config"), (0.92, "")):
        running = f"{CLOUD_INIT} running '{stage or 'modules:final'}'"
        yield share, f"cloud-init[433]: {running} at {{date}}. Up {{uptime}} seconds."
    for number, (mac, address) in enumerate(guest.networks):
        yield 0.52, f"ci-info: | ens{number + 3} | True | {address} | global | {mac} |"
    if not guest.networks:
        yield 0.52, "ci-info: | lo | True | 127.0.0.1 | host | . |"


def _services(boot: Boot, guest: GuestFacts) -> Iterable[tuple[float, str]]:
    """Yield the lines of keys, services and the end of cloud-init, each with its time in seconds.

    cloud-init says that it has finished also after an error.
    """
    keys = guest.keys if boot.key_at != NEVER else ()
    for key in keys:
        yield boot.key_at, f"ci-info: | {_key_row(key)} |"
    if not keys:
        none = "ci-info: no authorized SSH keys fingerprints found for the default user."
        yield KEYS_AT * boot.seconds, none
    names = (("ssh", "OpenSSH server", SSH_AT), ("http", "web server", HTTP_AT))
    for service, title, share in names:
        port = boot.ports.get(service)
        if port is not None and port.opens != NEVER:
            yield port.opens, f"[  OK  ] Started {title}."
        elif port is not None:
            yield share * boot.seconds, f"[FAILED] Failed to start {title}."
    if boot.cloud_init_failed:
        failed = "cc_scripts_user.py[WARNING]: Failed to run module scripts_user"
        yield boot.cloud_init_at, f"cloud-init[433]: {failed}"
    if boot.cloud_init_at != NEVER:
        source = "Datasource DataSourceOpenStackLocal [net,ver=2]"
        finished = f"{CLOUD_INIT} finished at {{date}}. {source}.  Up {{uptime}} seconds"
        yield boot.cloud_init_at, f"cloud-init[433]: {finished}"


def _key_row(key: str) -> str:
    """Return type and fingerprint of a public key, as cloud-init prints them."""
    kind, _, rest = key.partition(" ")
    try:
        digest = hashlib.sha256(base64.b64decode(rest.partition(" ")[0], validate=True)).hexdigest()
    except (binascii.Error, ValueError):
        return "an unreadable key"
    pairs = ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))
    return f"{kind} | {pairs} | - |"
