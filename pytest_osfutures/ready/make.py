"""The functions by which users name conditions: they check all arguments at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import urlsplit

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.addresses import Reach, ReachArguments
from pytest_osfutures.ready.conditions import (
    All,
    CloudInitStatus,
    Condition,
    Console,
    Function,
    Http,
    NetworkCondition,
    Ping,
    Ssh,
    Tcp,
    parts_of,
)
from pytest_osfutures.ready.jump import check_port, check_user
from pytest_osfutures.ready.keys import PrivateKey
from pytest_osfutures.ready.pending import Pending, is_fixture
from pytest_osfutures.ready.thread import default_thread

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The values of `ready=`: a condition, a function of the server, or several of these.
Ready = Condition | Callable[[Any], object] | Sequence[Condition | Callable[[Any], object]]
#: The line that cloud-init prints last, by its default `final_message`:
#: https://docs.cloud-init.io/en/latest/reference/modules.html#final-message
_FINISHED = re.compile(r"^.*Cloud-init v\. \S+ finished at ", re.MULTILINE)
_PLACE = "{address}"
#: All HTTP statuses.
_STATUSES = range(100, 600)


def tcp(port: int, **reach: Unpack[ReachArguments]) -> Condition:
    """A TCP port of the server accepts connections.

    Args:
        port: The port.
        reach: `address`, `floating`, `fixed` or an IP address (default: floating where the server
            has one, else fixed); `ip_version`, 4 or 6 (default: IPv4 where there is one);
            `network`, the name of the network whose address is used; `via`, a jump host
            (`user@host`, `user@host:port` or `osf.ready.jump()`), which needs the extra `ssh`.

    Returns:
        A condition for `ready=` and `osf.until`.

    Raises:
        InvalidArgument: An argument cannot be used.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.ready.tcp(22, address="floating")
        tcp(22, address='floating')
    """
    return Tcp(_text("tcp", port, **reach), Reach.of(reach), check_port(port))


def ping(**reach: Unpack[ReachArguments]) -> Condition:
    """The server answers an ICMP echo request, which needs no root where the system allows it.

    Args:
        reach: `address`, `ip_version` and `network` as of `tcp`; a jump host carries no ICMP.

    Raises:
        InvalidArgument: An argument cannot be used.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.ready.ping(ip_version=6)
        ping(ip_version=6)
    """
    if reach.get("via") is not None:
        raise InvalidArgument("ping() cannot go by way of a jump host (via); use tcp or ssh")
    return Ping(_text("ping", **reach), Reach.of(reach))


def http(
    url: str, *, status: int | None = None, verify: bool = True, **reach: Unpack[ReachArguments]
) -> Condition:
    """The server answers a GET request with a status of success.

    Args:
        url: `http://{address}:8080/health`, where `{address}` stands for the server's address. The
            short forms `/health` and `:8080/health` mean `http://{address}/health` and so on. The
            host may be another one, such as a load balancer.
        status: The wanted status (default: any from 200 to 299). Redirects are not followed.
        verify: False to accept any certificate.
        reach: `address`, `ip_version`, `network` and `via` as of `tcp`.

    Raises:
        InvalidArgument: An argument cannot be used.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.ready.http(":8080/health", status=204)
        http(':8080/health', status=204)
    """
    if status is not None and (
        not isinstance(status, int) or isinstance(status, bool) or status not in _STATUSES
    ):
        raise InvalidArgument(f"status={status!r} is not an HTTP status from 100 to 599")
    host, parts = _split(url)
    if host != _PLACE:
        if given := {"address", "network", "ip_version"} & reach.keys():
            raise InvalidArgument(f"url={url!r} names a host, so {min(given)}= has no meaning")
        chosen = Reach(ip=host, via=Reach.of(reach).via)
    else:
        chosen = Reach.of(reach)
    text = _text("http", url, status=status, verify=None if verify else False, **reach)
    return Http(text, chosen, *parts, status, bool(verify))


def _split(url: object) -> tuple[str, tuple[str, int, str]]:
    """Return the host of a URL, and scheme, port and target. Raises InvalidArgument."""
    bad = InvalidArgument(
        f"url={url!r} is not usable; accepted are 'http://{{address}}:8080/path', https, "
        "'/path' and ':8080/path'"
    )
    if not isinstance(url, str) or re.search(r"[\s\x00-\x1f]", url):
        raise bad
    whole = f"http://{_PLACE}{url}" if url.startswith(("/", ":")) else url
    try:
        found = urlsplit(whole.replace(_PLACE, "address.invalid"))
        port = found.port
    except ValueError:
        raise bad from None
    if (
        found.scheme not in ("http", "https")
        or not found.hostname
        or "{" in whole.replace(_PLACE, "")
    ):
        raise bad
    if found.username is not None:
        raise InvalidArgument("url: a user and a password in the URL are not sent; leave them out")
    if port == 0:
        raise bad
    host = _PLACE if found.hostname == "address.invalid" else found.hostname
    target = (found.path or "/") + (f"?{found.query}" if found.query else "")
    return host, (found.scheme, port or (443 if found.scheme == "https" else 80), target)


def ssh(
    user: str, key: Any, *, port: int = 22, command: str = "true", **reach: Unpack[ReachArguments]
) -> Condition:
    """A user can log in by ssh with a key, and a command succeeds there. Needs the extra `ssh`.

    Args:
        user: The user's name in the guest, like `cirros` or `ubuntu`.
        key: The private key: the path of a file, the text of a key, or a keypair with its
            `private_key`, as `os_keypairs.create()` returns it.
        port: The port of the ssh server.
        command: The command that has to exit with 0.
        reach: `address`, `ip_version`, `network` and `via` as of `tcp`. A jump host without a key
            of its own gets this key, too.

    Raises:
        InvalidArgument: An argument cannot be used, the key cannot be read, or the extra `ssh` is
            not installed.
    """
    if not isinstance(command, str) or not command.strip():
        raise InvalidArgument(f"command={command!r} is not a command")
    check_user(user)
    more = {"port": None if port == 22 else port, "command": None if command == "true" else command}
    text, chosen = _text("ssh", user, **more, **reach), Reach.of(reach)
    if is_fixture(key):
        given = {"user": user, "key": key, "port": port, "command": command, **reach}
        return Pending(text, ssh, given)
    return Ssh(text, chosen, user, PrivateKey.of(key), check_port(port), command)


def console(pattern: str | re.Pattern[str]) -> Condition:
    """The server's console shows a text (Nova's `os-getConsoleOutput`).

    Args:
        pattern: A regular expression, which is searched for in the whole console; `^` and `$` match
            at each line.

    Raises:
        InvalidArgument: The pattern is no regular expression.

    Example:
        >>> import pytest_osfutures as osf
        >>> cloud = osf.connect("fake")
        >>> nova = cloud.nova
        >>> image, flavor = nova.glance.list()[0], nova.flavors.list()[0]
        >>> vm = nova.servers.create_async(
        ...     "web", image.id, flavor, nics="none", ready=osf.ready.console("login:"), tout=120
        ... ).result()
        >>> "login:" in vm.get_console_output()
        True
    """
    try:
        found = re.compile(pattern, re.MULTILINE) if isinstance(pattern, str) else pattern
    except re.error as error:
        raise InvalidArgument(f"pattern={pattern!r} is no regular expression: {error}") from None
    if not isinstance(found, re.Pattern) or not isinstance(found.pattern, str):
        raise InvalidArgument(f"pattern={pattern!r} is no regular expression of a text")
    if found.search(""):
        raise InvalidArgument(f"pattern={found.pattern!r} matches an empty console")
    return Console(f"console({found.pattern!r})", found)


def cloud_init(
    user: str | None = None, key: Any = None, *, port: int = 22, **reach: Unpack[ReachArguments]
) -> Condition:
    """cloud-init has finished: the console shows its last line, or its command says so by ssh.

    Args:
        user: The user who asks `cloud-init status` by ssh, as of `ssh`; without `user` and `key`
            the line "Cloud-init v. ... finished" is searched for in the console.
        key: The private key, as of `ssh`.
        port: The port of the ssh server.
        reach: As of `ssh`.

    Raises:
        InvalidArgument: As of `ssh`.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.ready.cloud_init()
        cloud_init()
    """
    if user is None and key is None:
        if reach or port != 22:
            raise InvalidArgument("cloud_init() reads the console; give user and key to use ssh")
        return Console("cloud_init()", _FINISHED)
    text = _text("cloud_init", check_user(user), port=None if port == 22 else port, **reach)
    chosen = Reach.of(reach)
    if is_fixture(key):
        return Pending(text, cloud_init, {"user": user, "key": key, "port": port, **reach})
    return CloudInitStatus(text, chosen, str(user), PrivateKey.of(key), check_port(port))


def condition_of(ready: Any) -> Condition:
    """Return the condition that a user has given as `ready=`. Raises InvalidArgument."""
    if isinstance(ready, Pending):
        raise ready.refuse()
    if isinstance(ready, Condition):
        return ready
    if isinstance(ready, list | tuple) and ready:
        parts = [condition_of(each) for each in ready]
        return All(f"[{', '.join(map(repr, parts))}]", parts)
    if callable(ready) and not isinstance(ready, type):
        if ready in (tcp, ssh, http, console, ping, cloud_init):
            raise InvalidArgument(f"ready={ready.__name__}: call it, as in osf.ready.tcp(22)")
        return Function(_name_of(ready), ready)
    raise InvalidArgument(
        f"ready={ready!r:.200} is no condition; accepted are those of osf.ready, such as "
        "osf.ready.tcp(22), a function of the server, and lists of these"
    )


def _name_of(function: Any) -> str:
    """Return the name of a function for messages; of a lambda, the file and the line."""
    name, code = getattr(function, "__name__", None), getattr(function, "__code__", None)
    if name == "<lambda>" and code is not None:
        return f"lambda at {Path(code.co_filename).name}:{code.co_firstlineno}"
    return f"{name}()" if name else f"{function!r}"


def check(condition: Condition) -> None:
    """Raise InvalidArgument if this machine cannot try a condition: no jump host, no ping.

    A connection to a jump host is made, which may take some seconds, and stays for the tries.
    """
    for part in parts_of(condition):
        if not isinstance(part, NetworkCondition):
            continue
        part.check()
        if part.reach.via is not None:
            thread = default_thread()
            more = [part.key] if isinstance(part, Ssh) else []
            try:
                thread.run(thread.network.jump(part.reach.via, more))
            except OSError as error:
                raise InvalidArgument(f"via={str(part.reach.via)!r}: {error}") from None


def check_addresses(condition: Condition, nics: object) -> None:
    """Raise InvalidArgument if a new server without a network would need an address."""
    for part in parts_of(condition):
        if nics == "none" and isinstance(part, NetworkCondition) and not part.reach.is_known:
            raise InvalidArgument(
                f"ready={part!r} needs an address, and the server gets no network ('none')"
            )


def _text(name: str, *args: object, **named: Any) -> str:
    """Return a call as the user wrote it, without keys."""
    shown = [repr(each) for each in args]
    for key, value in named.items():
        if value is not None:
            shown.append(f"{key}={(str(value) if key == 'via' else value)!r}")
    return f"{name}({', '.join(shown)})"
