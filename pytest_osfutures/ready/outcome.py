"""The results of one try to reach a server."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Met:
    """The server meets the condition."""


@dataclass(frozen=True)
class NotYet:
    """The server does not meet the condition yet."""

    why: str


@dataclass(frozen=True)
class Never:
    """The server will never meet the condition."""

    why: str


Outcome = Met | NotYet | Never


def words(error: BaseException) -> str:
    """Return an error in words, without its class where the words suffice."""
    if isinstance(error, TimeoutError):
        return "no answer"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    text = " ".join(str(getattr(error, "strerror", None) or error).split())
    if isinstance(error, OSError) and text:
        return text[:1].lower() + text[1:]
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
