"""Scopes without pytest: `with osf.scope("devstack") as s: s.servers.create_async("web")`."""

from __future__ import annotations

import logging
import os
import threading
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.engine import run_in_thread
from pytest_osfutures.errors import CleanupError, InvalidArgument
from pytest_osfutures.scopes import factories
from pytest_osfutures.scopes.arguments import ScopeArguments, checked
from pytest_osfutures.scopes.deadline import Deadline
from pytest_osfutures.scopes.scope import Scope
from pytest_osfutures.scopes.script_run import ScriptRun, open_run
from pytest_osfutures.scopes.signals import handle_signals, restore_signals

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_log = logging.getLogger("osfutures")
F = TypeVar("F")


def scope(cloud: str | None = None, **arguments: Unpack[ScopeArguments]) -> ResourceScope:
    """Return a scope: a context manager whose factories create resources that its end deletes.

    The factories are those of the pytest plugin, with the same guarantee: however the script ends,
    by an error, by Ctrl-C, SIGTERM or SIGKILL, nothing is left behind.

    Args:
        cloud: Name of a cloud of your clouds.yaml, or `fake` (default: OS_CLOUD).
        arguments: `image`, `flavor`, `network`, `timeout`, `try_count`, `max_servers`, `keep`,
            `teardown_timeout`, `expiry`, `run`, `ledger`, `unknown` and `reaper` as the options of
            the plugin, times in seconds; `name`, which messages and the ledger show.

    Returns:
        The scope, to be used by `with` or `async with` (asyncio and trio), or by its methods
        `enter` and `close`.

    Raises:
        InvalidArgument: An argument is unknown, or its value cannot be used.

    Example:
        >>> import pytest_osfutures as osf
        >>> with osf.scope("fake") as s:
        ...     web, disk = s.servers.create_async("web"), s.volumes.create_async(size=1)
        ...     vm, volume = osf.gather(web, disk)
        ...     s.attachments.create_async(vm, volume).result().serverId == vm.id
        True
    """
    return ResourceScope(cloud, arguments)


class ResourceScope:
    """The resources of a `with` block, of a unittest class or of a script. `scope` makes it.

    Several scopes may be open at a time, in one thread or in several; each is a run of its own.
    Any thread may use a scope.
    """

    def __init__(self, cloud: str | None, arguments: ScopeArguments) -> None:
        self._cloud_name = cloud
        self._settings = checked(arguments)
        self._lock = threading.Lock()
        self._opened: tuple[ScriptRun, Scope] | None = None
        self._factories: dict[type, Any] = {}

    def __repr__(self) -> str:
        state = "closed" if self._opened is None else f"open, run {self._opened[0].ledger.run}"
        return f"<ResourceScope {self._settings.name!r}, {state}>"

    # Beginning and end

    def enter(self) -> Self:
        """Connect to the cloud and begin the run, as `with` does; `close` ends it.

        Returns:
            This scope.

        Raises:
            InvalidArgument: The scope is open, or the cloud or a setting cannot be used.
            CloudUnreachableError: The cloud does not answer, or refuses the credentials.

        Example:
            >>> import unittest
            >>> import pytest_osfutures as osf
            >>> class WebTest(unittest.TestCase):
            ...     @classmethod
            ...     def setUpClass(cls):
            ...         cls.scope = osf.scope("fake").enter()
            ...         cls.addClassCleanup(cls.scope.close)
            ...         cls.web = cls.scope.servers.create_async("web")
            ...
            ...     def test_web(self):
            ...         self.assertEqual(self.web.result().status, "ACTIVE")
        """
        self._open()
        _signals.handle(self)
        return self

    def _open(self) -> None:
        with self._lock:
            if self._opened is not None:
                raise InvalidArgument(f"the scope {self._settings.name!r} is open already")
            run = open_run(self._cloud_name, self._settings)
            self._opened = run, Scope(run.cloud, run, self._settings.name)
            self._factories = {}

    def close(self, failed: bool = False) -> None:
        """Delete the resources and end the run; a closed scope stays closed.

        Args:
            failed: True after an error, for `keep="failed"`.

        Raises:
            CleanupError: Some resources could not be deleted; the text names them.
        """
        try:
            self._close(failed)
        finally:
            _signals.restore(self)

    def _close(self, failed: bool) -> None:
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is None or opened[0].pid != os.getpid():  # closed already, or the parent's
            return
        run, owner = opened
        deadline = Deadline(run.settings.teardown_timeout)
        try:
            if run.settings.keep == "always" or (failed and run.settings.keep == "failed"):
                owner.keep()
            else:
                owner.close()
            if left := run.finish(max(1.0, deadline.remaining())):
                text = f"{len(left)} resources could not be deleted"
                raise CleanupError("\n  ".join([text, *left]), left)
        finally:
            run.leave()

    def __enter__(self) -> Self:
        return self.enter()

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self.close(failed=error is not None)
        except CleanupError as left:
            _raise_beside(left, error)

    async def __aenter__(self) -> Self:
        try:
            await run_in_thread(self._open)
        except Exception:
            raise
        except BaseException:  # a task that is cancelled here gets no __aexit__
            await run_in_thread(partial(self._close, failed=True))
            raise
        _signals.handle(self)
        return self

    async def __aexit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            await run_in_thread(partial(self._close, failed=error is not None))
        except CleanupError as left:
            _raise_beside(left, error)
        finally:
            _signals.restore(self)

    # The cloud and the factories

    @property
    def cloud(self) -> Cloud:
        """The cloud, whose clients have twins; what these create is deleted, too."""
        return self._run.cloud

    @property
    def run(self) -> str:
        """The id of the run, for `osfutures reap --run`."""
        return self._run.ledger.run

    @property
    def _run(self) -> ScriptRun:
        return self._entered()[0].in_this_process()

    def _entered(self) -> tuple[ScriptRun, Scope]:
        opened = self._opened
        if opened is None:
            raise InvalidArgument(
                f"the scope {self._settings.name!r} is not open; use it inside `with`, "
                "or between enter() and close()"
            )
        return opened

    def _factory(self, factory: type[F]) -> F:
        _, owner = self._entered()
        known: F = self._factories.setdefault(factory, factory(owner))  # type: ignore[call-arg]
        return known

    @property
    def servers(self) -> factories.Servers:
        """The factory of servers, as the fixture `os_servers`."""
        return self._factory(factories.Servers)

    @property
    def attachments(self) -> factories.Attachments:
        """The factory of attachments of volumes, as the fixture `os_attachments`."""
        return self._factory(factories.Attachments)

    @property
    def keypairs(self) -> factories.Keypairs:
        """The factory of keypairs, as the fixture `os_keypairs`."""
        return self._factory(factories.Keypairs)

    @property
    def volumes(self) -> factories.Volumes:
        """The factory of volumes, as the fixture `os_volumes`."""
        return self._factory(factories.Volumes)

    @property
    def snapshots(self) -> factories.Snapshots:
        """The factory of snapshots, as the fixture `os_snapshots`."""
        return self._factory(factories.Snapshots)

    @property
    def backups(self) -> factories.Backups:
        """The factory of backups, as the fixture `os_backups`."""
        return self._factory(factories.Backups)

    @property
    def images(self) -> factories.Images:
        """The factory of images, as the fixture `os_images`."""
        return self._factory(factories.Images)

    @property
    def networks(self) -> factories.Networks:
        """The factory of networks, as the fixture `os_networks`."""
        return self._factory(factories.Networks)

    @property
    def subnets(self) -> factories.Subnets:
        """The factory of subnets, as the fixture `os_subnets`."""
        return self._factory(factories.Subnets)

    @property
    def ports(self) -> factories.Ports:
        """The factory of ports, as the fixture `os_ports`."""
        return self._factory(factories.Ports)

    @property
    def routers(self) -> factories.Routers:
        """The factory of routers, as the fixture `os_routers`."""
        return self._factory(factories.Routers)

    @property
    def floating_ips(self) -> factories.FloatingIps:
        """The factory of floating IPs, as the fixture `os_floating_ips`."""
        return self._factory(factories.FloatingIps)

    @property
    def security_groups(self) -> factories.SecurityGroups:
        """The factory of security groups, as the fixture `os_security_groups`."""
        return self._factory(factories.SecurityGroups)

    @property
    def address_groups(self) -> factories.AddressGroups:
        """The factory of address groups, as the fixture `os_address_groups`."""
        return self._factory(factories.AddressGroups)


def _raise_beside(left: CleanupError, error: BaseException | None) -> None:
    """Raise the error of the clean-up beside that of the body.

    An error of the body becomes the context of the clean-up's. An interruption or a cancellation
    must reach its framework, so the clean-up's error becomes a note of it, and is logged.
    """
    if error is None or isinstance(error, Exception):
        raise left
    error.add_note(str(left))
    _log.error("%s", left)


class _Signals:
    """The signal handlers of all open scopes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: set[ResourceScope] = set()
        #: True if a scope has installed the handlers, and not pytest's plugin.
        self._ours = False

    def handle(self, opened: ResourceScope) -> None:
        """Handle signals while at least one scope is open."""
        with self._lock:
            self._open.add(opened)
            self._ours = handle_signals() or self._ours

    def restore(self, closed: ResourceScope) -> None:
        """Restore the default handlers after the last scope."""
        with self._lock:
            self._open.discard(closed)
            if self._ours and not self._open:
                self._ours = not restore_signals()


_signals = _Signals()
