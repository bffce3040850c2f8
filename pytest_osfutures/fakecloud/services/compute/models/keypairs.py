"""Keypairs and server groups."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from random import Random

from pytest_osfutures.fakecloud.kernel import (
    ResourceRecord,
)


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class KeypairRecord(ResourceRecord):
    """A public key with a name that is unique for its user."""

    number: int
    kind: str = "ssh"
    public_key: str
    fingerprint: str


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class ServerGroup(ResourceRecord):
    """Servers with a placement policy: affinity or anti-affinity."""

    policy: str
    rules: dict[str, int]
    members: tuple[str, ...] = ()


def fingerprint(public_key: str) -> str:
    """Return the MD5 fingerprint of an OpenSSH public key. Raises ValueError if invalid."""
    words = public_key.split()
    if len(words) < 2 or not words[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise ValueError(public_key)
    digest = hashlib.md5(base64.b64decode(words[1], validate=True)).hexdigest()  # noqa: S324
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def generate(random: Random) -> tuple[str, str]:
    """Return a new private and public key, by which guests are reached.

    Keys are secrets and come from the system. The bytes that are drawn from `random` keep the ids
    that each seed gives.
    """
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa

    random.randbytes(428)
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    public = key.public_key().public_bytes(*openssh).decode()
    return private.decode(), f"{public} Generated-by-Nova"
