"""A run as its scopes see it: pytest's, or that of a script."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cached_property
from typing import Any

from pytest_osfutures.cleanup import KeyFiles, Ledger
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.scopes.settings import RunSettings


class Run(ABC):
    """The part of one process in a run."""

    cloud: Cloud
    ledger: Ledger
    settings: RunSettings
    #: Image, flavor and network of a new server when the user names none.
    defaults: Defaults
    #: Seconds after which any run may delete the resources of this one.
    expiry: float
    #: True if a reaper watches this process.
    reaped: bool

    def option(self, name: str) -> str:
        """Return what the user calls a setting, as in messages."""
        return f"--os-{name}"

    @property
    @abstractmethod
    def deletes_in_background(self) -> bool:
        """True if nobody waits for the deletions at the end of a scope."""

    @abstractmethod
    def in_this_process(self) -> Run:
        """Return this run, or in a fork the part of the new process."""

    @cached_property
    def keys(self) -> KeyFiles:
        """The private keys of the keypairs of this process; the end of the run closes them."""
        return KeyFiles(self.ledger)

    @abstractmethod
    def keep(self, kind: str, resource_id: str, note: str | None = None) -> None:
        """Note in the ledger that a resource is kept until it expires, and how to use it."""

    @abstractmethod
    def note_use(self, future: OperationFuture[Any]) -> None:
        """Note that the user waits for a future whose call another process may have made."""

    def note_owner(self, future: OperationFuture[Any], owner: str) -> None:  # noqa: B027
        """Note that the user may ask for the result of a future until its owner's end.

        Only a run of tests has to know.

        Args:
            future: the future.
            owner: id of the test, class, module or session.
        """

    @abstractmethod
    def progress_messages(
        self, text: str, names: Callable[[], list[str]] = list
    ) -> AbstractContextManager[None]:
        """Return a context that tells the user about a wait that takes long.

        Args:
            text: the reason for the wait.
            names: returns the names of the resources that are waited for.
        """
