"""Keypairs and server groups."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from random import Random

from pytest_osfutures.fakecloud.kernel import (
    ResourceRecord,
)


@dataclass(eq=False, kw_only=True)
class KeypairRecord(ResourceRecord):
    """A public key with a name that is unique for its user."""

    number: int
    kind: str = "ssh"
    public_key: str
    fingerprint: str


@dataclass(eq=False, kw_only=True)
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
    """Return a private and a public key of valid format that no SSH server accepts."""
    blob = b"\x00\x00\x00\x07ssh-rsa" + random.randbytes(128)
    private = base64.encodebytes(random.randbytes(300)).decode()
    return (
        f"-----BEGIN RSA PRIVATE KEY-----\n{private}-----END RSA PRIVATE KEY-----\n",
        f"ssh-rsa {base64.b64encode(blob).decode()} Generated-by-Nova",
    )
