"""The ssh command for a server that --os-keep keeps."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pytest_osfutures.cleanup import KeyFiles
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.ownership import UnreadableError, unreadable_errors
from pytest_osfutures.ready import Address, Reach

#: Properties of images that name the user for logins. The second is Glance's
#: (https://docs.openstack.org/glance/latest/admin/useful-image-properties.html).
USER_PROPERTIES = ("os_default_user", "os_admin_user", "image_original_user")
#: Users of distributions' images, by `os_distro` (https://docs.openstack.org/image-guide/obtain-images.html).
USERS = {
    "almalinux": "almalinux",
    "alpine": "alpine",
    "arch": "arch",
    "centos": "cloud-user",
    "cirros": "cirros",
    "coreos": "core",
    "debian": "debian",
    "fedora": "fedora",
    "flatcar": "core",
    "freebsd": "freebsd",
    "opensuse": "opensuse",
    "rhel": "cloud-user",
    "rocky": "rocky",
    "ubuntu": "ubuntu",
}
DEFAULT_USER = "root"


def ssh_command(server: Mapping[str, Any], image: Mapping[str, Any], key: Path | None) -> str:
    """Return the command that logs in to a server; "" if the server has no address.

    A comment of the shell tells what is a guess or missing.

    Args:
        server: the server, as Nova shows it.
        image: the server's image, as Glance shows it; empty if unknown.
        key: the file with the private key of the server's keypair; None if unknown.

    Example:
        >>> server = {"addresses": {"net": [{"addr": "10.0.0.7"}]}, "key_name": "laptop"}
        >>> ssh_command(server, {"os_distro": "ubuntu"}, Path("/run/laptop.pem"))
        'ssh -i /run/laptop.pem -o IdentitiesOnly=yes ubuntu@10.0.0.7'
        >>> ssh_command(server, {"os_admin_user": "debian"}, None)
        'ssh debian@10.0.0.7  # the key of laptop is not of this run'
    """
    address = Reach().choose(server)
    if not isinstance(address, Address):
        return ""
    user, why = _user(image)
    notes = [why]
    if key is None:
        name = server.get("key_name")
        notes.append(f"the key of {name} is not of this run" if name else "it has no keypair")
    words = ["ssh"] if key is None else ["ssh", "-i", str(key), "-o", "IdentitiesOnly=yes"]
    comment = "; ".join(note for note in notes if note)
    command = shlex.join([*words, f"{user}@{address.ip}"])
    return f"{command}  # {_one_line(comment)}" if comment else command


def _user(image: Mapping[str, Any]) -> tuple[str, str]:
    """Return the user for logins and, for a guess, the reason of the guess."""
    named = (image.get(each) for each in USER_PROPERTIES)
    if user := next((each for each in named if isinstance(each, str) and each), ""):
        return user, ""
    distro, name = str(image.get("os_distro", "")).lower(), str(image.get("name") or "").lower()
    if distro in USERS:
        return USERS[distro], ""
    if by_name := next((user for word, user in USERS.items() if word in name), ""):
        return by_name, f"the user {by_name} is a guess by the name of the image"
    return DEFAULT_USER, f"the user {DEFAULT_USER} is a guess: the image names none"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def keep_login(cloud: Cloud, keys: KeyFiles, server_id: str) -> str | None:
    """Keep the private key of a server; return the ssh command that uses the key.

    The embedded fake ends with the process, so nobody logs in to its servers afterwards.
    """
    if cloud.fake is not None:
        return None
    server = _read(cloud, "compute", f"/servers/{server_id}").get("server")
    if not isinstance(server, Mapping):
        return None
    image = server.get("image")  # "" for a server that boots from a volume
    image_id = image.get("id") if isinstance(image, Mapping) else None
    shown = _read(cloud, "image", f"/images/{image_id}") if image_id else {}
    keypair = str(server.get("key_name"))
    keys.keep(keypair)
    return ssh_command(server, shown, keys.path(keypair)) or None


def _read(cloud: Cloud, service: str, path: str) -> Mapping[str, Any]:
    """Return the document of a GET request; empty if the cloud does not show it."""
    with suppress(UnreadableError), unreadable_errors(f"GET {service} {path}"):
        found = cloud.api_client.send("GET", service, path, None).json()
        return found if isinstance(found, dict) else {}
    return {}
