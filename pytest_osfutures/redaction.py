"""Hide secrets in errors, in reports, in consoles of servers, and in the logs of our own sessions.

A secret is recognised by the name of its field (`adminPass`, `user_data`), in JSON and in Python's
`repr`, and by its value where the request that carried the secret is known. Programs that write to
a console show secrets in further forms.
"""

from __future__ import annotations

import base64
import binascii
import json
import logging
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
#: Pairs of a user and a password: cloud-init prints these for random passwords, a shell that
#: traces its commands for chpasswd.
#: https://cloudinit.readthedocs.io/en/latest/reference/modules.html#set-passwords
_PAIR = re.compile(r"(?<![\w/])([A-Za-z_][\w.-]*:)(?!//)\S+")
_RANDOM = re.compile(r"'?random'? passwords?", re.IGNORECASE)
#: A sentence about a password. The rest of its line is hidden.
_SENTENCE = re.compile(
    r"\b(?:password|passwd|passphrase)\b(?:\s+[\w'\"()-]+){0,5}?"
    r"(?:\s*[:=]\s*|\s+is\s+|\s+set to\s+)(?=\S).*",
    re.IGNORECASE,
)
#: Patterns of single values in a log, with the text that replaces each.
_IN_LOGS = (
    (re.compile(r"(--?[\w-]*(?:passw|secret|token|api-?key)[\w-]*\s+)[^-\s]\S*"), rf"\1{HIDDEN}"),
    (re.compile(r"(\s(?:-u|--user)\s+[^\s:]+:)\S+"), rf"\1{HIDDEN}"),
    (re.compile(r"(\w://[^\s/:@]*:)[^\s/@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"(identified by\s+)\S+", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"(\b(?:bearer|basic)\s+)[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1{HIDDEN}"),
    (re.compile(r"\$(?:1|2[abxy]|5|6|y|gy|7)\$\S+"), HIDDEN),  # hashes of crypt(5)
    (re.compile(r"\bgAAAA[\w-]{20,}=*"), HIDDEN),  # Fernet tokens of Keystone
)
_KEY_BEGIN, _KEY_END = "-----BEGIN [A-Z ]*PRIVATE KEY-----", "-----END [A-Z ]*PRIVATE KEY-----"
#: A private key; the beginning or the end of a log may cut it.
_PRIVATE_KEY = re.compile(rf"{_KEY_BEGIN}.*?(?:{_KEY_END}|\Z)", re.DOTALL)
_END_OF_KEY = re.compile(rf"\A(?:(?!{_KEY_BEGIN}).)*?{_KEY_END}", re.DOTALL)
#: Values of fields like `lock_passwd` that are no secrets.
_PLAIN = frozenset({"true", "false", "none", "null", "expire: false", "expire: true"})
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


def redact_log(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text of a console or a log file with its secrets hidden; rather one too many.

    Args:
        text: any text, whose first and last lines may be cut.
        secrets: values that are hidden wherever they stand.

    Example:
        >>> redact_log("+ echo root:hunter2\\n+ chpasswd\\nlogin:")
        '+ echo root:***\\n+ chpasswd\\nlogin:'
    """
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    text = _PRIVATE_KEY.sub(HIDDEN, _END_OF_KEY.sub(HIDDEN, text))
    lines = text.split("\n")
    pairs = _lines_with_pairs(lines)
    return "\n".join(
        _redact_line(_PAIR.sub(rf"\1{HIDDEN}", line) if number in pairs else line)
        for number, line in enumerate(lines)
    )


def secrets_in_text(text: str) -> Iterator[str]:
    """Yield the secrets in a text, as the passwords in user data: its programs may print them."""
    lines = text.splitlines()
    pairs = _lines_with_pairs(lines)
    for number, line in enumerate(lines):
        found = _FIELD.search(line)
        values = [] if found is None else [line[found.end() :]]
        if number in pairs:
            values += [each.group()[len(each[1]) :] for each in _PAIR.finditer(line)]
        for value in values:
            plain = value.strip("\"'{}[], \t")
            if len(plain) >= _SHORTEST and plain.lower() not in _PLAIN:
                yield plain


def _lines_with_pairs(lines: Sequence[str]) -> set[int]:
    """Return the numbers of the lines that may have pairs of a user and a password."""
    found: set[int] = set()
    for number, line in enumerate(lines):
        if "chpasswd" in line:  # a pipe: the shell shows its commands in any order
            found.update(range(number - 2, number + 3))
        elif _RANDOM.search(line) or (number - 1 in found and _ends_with_pair(line)):
            found.update((number, number + 1))
    return found


def _ends_with_pair(line: str) -> bool:
    return any(each.end() == len(line.rstrip()) for each in _PAIR.finditer(line))


def _redact_line(line: str) -> str:
    if (found := _FIELD.search(line)) is not None:  # an unquoted value may have spaces
        line = line[: found.end()] + HIDDEN
    elif (sentence := _SENTENCE.search(line)) is not None:
        line = f"{line[: sentence.start()]}{sentence.group().split()[0].rstrip(':=')}: {HIDDEN}"
    for pattern, replacement in _IN_LOGS:
        line = pattern.sub(replacement, line)
    return line


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
