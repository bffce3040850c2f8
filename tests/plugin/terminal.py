"""A pseudo-terminal, to see what users see."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping, Sequence

import pyte

COLUMNS, LINES = 100, 200


def run_in_terminal(arguments: Sequence[str], environment: Mapping[str, str]) -> str:
    """Run pytest in a terminal, and return all that it has written there."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *arguments],
        stdin=theirs, stdout=theirs, stderr=theirs, close_fds=True,
        env={**os.environ, "TERM": "xterm-256color", **environment},
    )  # fmt: skip
    os.close(theirs)
    written = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        written += part
    process.wait()
    os.close(ours)
    return written.decode()


def screen_of(written: str) -> list[str]:
    """Return the lines that the terminal shows at the end."""
    screen = pyte.Screen(COLUMNS, LINES)
    pyte.Stream(screen).feed(written)
    return [line.rstrip() for line in screen.display if line.strip()]
