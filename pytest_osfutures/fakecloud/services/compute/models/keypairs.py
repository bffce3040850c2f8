"""Keypairs and server groups: small things that a server is made with."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from random import Random

from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord


@dataclass(eq=False, kw_only=True)
class KeypairRecord(ResourceRecord):
    """A public key under a name, which is unique for its user."""

    number: int
    kind: str = "ssh"
    public_key: str
    fingerprint: str


@dataclass(eq=False, kw_only=True)
class ServerGroup(ResourceRecord):
    """Servers that are to be together, or apart."""

    policy: str
    rules: dict[str, int]
    members: tuple[str, ...] = ()


def fingerprint(public_key: str) -> str:
    """The MD5 fingerprint of an OpenSSH public key. Raises ValueError if it is none."""
    words = public_key.split()
    if len(words) < 2 or not words[0].startswith(("ssh-", "ecdsa-", "sk-")):
        raise ValueError(public_key)
    digest = hashlib.md5(base64.b64decode(words[1], validate=True)).hexdigest()  # noqa: S324
    return ":".join(digest[i : i + 2] for i in range(0, len(digest), 2))


def generate(random: Random) -> tuple[str, str]:
    """A private and a public key: of the right form, but nobody can log in with them."""
    blob = b"\x00\x00\x00\x07ssh-rsa" + random.randbytes(128)
    private = base64.encodebytes(random.randbytes(300)).decode()
    return (
        f"-----BEGIN RSA PRIVATE KEY-----\n{private}-----END RSA PRIVATE KEY-----\n",
        f"ssh-rsa {base64.b64encode(blob).decode()} Generated-by-Nova",
    )
