"""The ssh command for a kept server: address, user and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.scopes.ssh_command import ssh_command

KEY = Path("/run/a b/key.pem")


def entry(address: str, kind: str = "fixed") -> dict[str, Any]:
    """Return an address of a server as Nova shows it."""
    return {"addr": address, "version": 4, "OS-EXT-IPS:type": kind}


@pytest.mark.parametrize(
    ("networks", "address"),
    [
        ({"a": [entry("10.0.0.1"), entry("172.24.4.9", "floating")]}, "172.24.4.9"),
        ({"a": [entry("fd00::1"), entry("10.0.0.1")], "b": [entry("10.1.0.1")]}, "10.0.0.1"),
        ({"a": [entry("fd00::1")]}, "fd00::1"),
        ({"a": [{"addr": "10.0.0.2"}, {"addr": "nonsense"}, {}]}, "10.0.0.2"),
    ],
)
def test_the_address_is_floating_before_fixed(networks: Any, address: str) -> None:
    command = ssh_command({"addresses": networks}, {"os_default_user": "me"}, KEY)
    assert command == f"ssh -i '/run/a b/key.pem' -o IdentitiesOnly=yes me@{address}"


@pytest.mark.parametrize("networks", [{}, None, {"a": []}, {"a": None}, {"a": [{"addr": None}]}])
def test_a_server_without_an_address_has_no_command(networks: Any) -> None:
    assert ssh_command({"addresses": networks}, {}, KEY) == ""


@pytest.mark.parametrize(
    ("image", "user", "why"),
    [
        ({"os_default_user": "me", "os_admin_user": "other", "os_distro": "ubuntu"}, "me", ""),
        ({"os_admin_user": "cloud"}, "cloud", ""),
        ({"image_original_user": "suse"}, "suse", ""),
        ({"os_distro": "Ubuntu"}, "ubuntu", ""),
        ({"os_distro": "centos"}, "cloud-user", ""),
        (
            {"name": "Debian 13 (trixie)"},
            "debian",
            "  # the user debian is a guess by the name of the image",
        ),
        ({"name": None}, "root", "  # the user root is a guess: the image names none"),
        ({"os_default_user": ""}, "root", "  # the user root is a guess: the image names none"),
        ({"os_default_user": "a; rm -rf /"}, None, ""),
    ],
)
def test_the_user_is_the_images_or_a_guess(image: Any, user: str | None, why: str) -> None:
    server = {"addresses": {"a": [entry("10.0.0.1")]}, "key_name": "k"}
    command = ssh_command(server, image, Path("/k"))
    if user is None:
        assert command.endswith(" 'a; rm -rf /@10.0.0.1'")
    else:
        assert command == f"ssh -i /k -o IdentitiesOnly=yes {user}@10.0.0.1{why}"


def test_a_missing_key_is_said() -> None:
    server = {"addresses": {"a": [entry("10.0.0.1")]}, "key_name": "my\nkey"}
    image = {"os_distro": "cirros"}
    command = ssh_command(server, image, None)
    assert command == "ssh cirros@10.0.0.1  # the key of my key is not of this run"
    command = ssh_command(server | {"key_name": None}, image, None)
    assert command == "ssh cirros@10.0.0.1  # it has no keypair"
