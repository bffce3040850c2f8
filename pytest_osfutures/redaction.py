"""Hide secrets in errors, in reports, and in the logs of our own sessions.

A secret is recognised by the name of its field (`adminPass`, `user_data`), in JSON and in Python's
`repr`, and by its value where the request that carried the secret is known.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

HIDDEN = "***"
Failure = TypeVar("Failure", bound=BaseException)
#: Names of fields with secret values. `/tokens` is the end of a URL of Keystone.
_NAME = (
    r"(?:[\w:.-]*(?:admin_?pass|passw|passphrase|user_?data|personality|secret|private_?key"
    r"|connection_info|credential|authorization|api_?key)\w*|[\w.-]*token|(?<!/)tokens)"
)
_FIELD = re.compile(
    rf"(?<![\w:.-]){_NAME}\\*[\"']?\s*[:=]\s*(?:[bu](?=[\"']))?(?=\S)", re.IGNORECASE
)
_QUOTED = re.compile(r"(?P<quote>\\*[\"'])(?:\\.|.)*?(?:(?P=quote)|\Z)", re.DOTALL)
_BARE = re.compile(r"[^\s,;&}\])\"']+")
#: Nova and Cinder quote an invalid value of a request: 'Invalid input for field/attribute ...'.
_ATTRIBUTE = re.compile(rf"(attribute {_NAME})\b.*", re.IGNORECASE | re.DOTALL)
_SECRET_NAME = re.compile(rf"{_NAME}\Z", re.IGNORECASE)
#: Shorter secrets are not searched for: they are parts of many other words.
_SHORTEST = 4


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Return `text` with `***` in place of the values of secret fields and of all `secrets`."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    parts, begin = [], 0
    while (found := _FIELD.search(text, begin)) is not None:
        end = _end_of_value(text, found.end())
        parts += [text[begin : found.end()], HIDDEN]
        begin = max(end, found.end())
    return _ATTRIBUTE.sub(rf"\1: {HIDDEN}", "".join(parts) + text[begin:])


def _end_of_value(text: str, begin: int) -> int:
    """Return the end of the value that begins at `begin`; a truncated value ends with the text."""
    if (quoted := _QUOTED.match(text, begin)) is not None:
        return quoted.end()
    if text[begin] not in "[{" or text.startswith("{SHA", begin):  # keystoneauth's digests
        begin += text.startswith("{SHA", begin) and text.find("}", begin) + 1 - begin
        bare = _BARE.match(text, begin)
        return begin if bare is None else bare.end()
    depth, place = 0, begin
    while place < len(text):
        if (quoted := _QUOTED.match(text, place)) is not None:
            place = quoted.end()
            continue
        depth += (text[place] in "[{") - (text[place] in "]}")
        place += 1
        if depth == 0:
            break
    return place


def secrets_in(document: Any, secret: bool = False) -> Iterator[str]:
    """Yield the values of a document's secret fields, Base64 values also decoded."""
    if isinstance(document, Mapping):
        for key, value in document.items():
            hidden = bool(_SECRET_NAME.match(str(key))) or (secret and key != "path")
            yield from secrets_in(value, hidden)
    elif isinstance(document, list | tuple):
        for value in document:
            yield from secrets_in(value, secret)
    elif secret and isinstance(document, str) and len(document) >= _SHORTEST:
        yield document
        try:
            plain = base64.b64decode(document, validate=True).decode()
        except (binascii.Error, ValueError):
            return
        if len(plain) >= _SHORTEST:
            yield plain


def without_secrets(error: Failure, secrets: Iterable[str] = ()) -> Failure:
    """Hide secrets in the texts of `error` and of the errors that caused it; return `error`."""
    known = tuple(secrets)
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.args = tuple(_hidden(value, known) for value in each.args)
        for name, value in list(vars(each).items()):
            if isinstance(value, str | dict | list | tuple):
                setattr(each, name, _hidden(value, known))
        each = each.__cause__ or each.__context__
    return error


def _hidden(value: Any, secrets: tuple[str, ...]) -> Any:
    if isinstance(value, str):
        return redact(value, secrets)
    if type(value) is dict:
        return {
            key: HIDDEN if _SECRET_NAME.match(str(key)) else _hidden(each, secrets)
            for key, each in value.items()
        }
    if type(value) in (list, tuple):
        return type(value)(_hidden(each, secrets) for each in value)
    return value


class RedactingLogger(logging.LoggerAdapter[logging.Logger]):
    """A logger that hides secrets by the names of their fields, and those of one body by value."""

    def __init__(self, logger: logging.Logger, body: Any = None) -> None:
        super().__init__(logger, {})
        self._body = body

    def log(self, level: int, msg: object, *args: object, **kwargs: Any) -> None:
        """Log the message with its secrets hidden."""
        if self.isEnabledFor(level):
            record = logging.LogRecord("", level, "", 0, msg, args, None)  # formats the message
            text = redact(record.getMessage(), secrets_in(_parsed(self._body)))
            self.logger.log(level, "%s", text, **{"stacklevel": 3, **kwargs})


def hide_in_logs(session: Any) -> None:
    """Let a keystoneauth1 session log its requests and answers with their secrets hidden.

    For sessions that this package makes; a user's own session keeps the user's logging.
    https://docs.openstack.org/keystoneauth/latest/using-sessions.html
    """
    send = session.request

    def request(url: str, method: str, *args: Any, logger: Any = None, **more: Any) -> Any:
        plain = logger or logging.getLogger("keystoneauth.session")
        body = more.get("json", args[0] if args else None) or more.get("data")
        # With a logger as argument, the session does not use several loggers of its own.
        quiet = RedactingLogger(plain, body)
        return send(url, method, *args, logger=quiet, **more)

    session.request = request


def _parsed(body: Any) -> Any:
    if not isinstance(body, str | bytes):
        return body
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
