"""Private keys for ssh, checked before a server is made."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test, which shows no key


def asyncssh() -> Any:
    """Import asyncssh, the library for ssh. Raises InvalidArgument without the extra."""
    try:
        import asyncssh as library
    except ImportError:
        raise InvalidArgument(
            "ssh needs the extra `ssh`: pip install 'pytest-osfutures[ssh]'"
        ) from None
    logger = logging.getLogger("asyncssh")
    if logger.level == logging.NOTSET:  # it logs each connection at INFO: each try of a wait
        logger.setLevel(logging.WARNING)
    return library


class PrivateKey:
    """A private key; its representation shows where the key comes from, and no secret."""

    def __init__(self, value: Any, origin: str) -> None:
        #: asyncssh's key.
        self.value = value
        self.origin = origin

    def __repr__(self) -> str:
        return f"<private key of {self.origin}>"

    @classmethod
    def of(cls, key: object) -> PrivateKey:
        """Read a key: of a file, a text in OpenSSH's or PEM format, or a keypair.

        Raises:
            InvalidArgument: The file cannot be read, or there is no usable private key.
        """
        text: object = getattr(key, "private_key", None)
        origin = f"keypair {getattr(key, 'name', '')!s}".strip()
        if isinstance(key, bytes):
            key = key.decode(errors="replace")
        if isinstance(key, str) and ("PRIVATE KEY-----" in key or "\n" in key):
            text, origin = key, "the text"
        elif isinstance(key, str | os.PathLike):
            text, origin = _content(key), f"{os.fspath(key)!r}"
        if not isinstance(text, str) or not text:
            kind = type(key).__name__
            raise InvalidArgument(
                f"key: an object of type {kind} has no private key; accepted: the path of a file, "
                "the text of a private key, a keypair with its private_key"
            )
        library = asyncssh()
        try:
            return cls(library.import_private_key(text), origin)
        except (library.KeyEncryptionError, library.KeyImportError, ValueError) as error:
            why = "is no private key that ssh can use"
            if "passphrase" in str(error).lower():
                why = "is encrypted; give a key without a passphrase"
        raise InvalidArgument(f"key: {origin} {why}")


def _content(path: str | os.PathLike[str]) -> str:
    try:
        return Path(path).expanduser().read_text(errors="replace")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        raise InvalidArgument(f"key: {os.fspath(path)!r:.200} cannot be read: {why}") from None
