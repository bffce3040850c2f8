"""Options convert correct values, and reject wrong values with one sentence."""

from __future__ import annotations

import argparse
from typing import Any

import pytest

from pytest_osfutures.plugin import options

NUMBERS = ("²", "١٢", "0", "-1", "many", "", "1.5", "9" * 5000)
SECONDS = ("²", "0", "-1", "soon", "", "nan", "inf", "1e999")
AGES = ("h", "6w", "1e300", "1e18", "36501d")


@pytest.mark.parametrize(
    ("option", "bad", "sentence"),
    [
        *((options.MAX_SERVERS, text, "whole number of 1 or more") for text in NUMBERS),
        *((options.TIMEOUT, text, "number of seconds greater than 0") for text in SECONDS),
        *((options.TEARDOWN_TIMEOUT, text, "greater than 0") for text in SECONDS),
        *((options.EXPIRY, text, "time greater than 0, as 90s") for text in (*SECONDS, *AGES)),
        *((options.TRY_COUNT, text, "whole number of 1 or more") for text in ("0", "x", "1.5")),
        *((options.RUN, text, "16 hexadecimal digits") for text in ("", "x" * 16, "0" * 15)),
        (options.KEEP, "sometimes", "is none of never, failed, always"),
        (options.TEARDOWN, "later", "is none of wait, background"),
        (options.REAPER, "on", "is none of auto, off"),
        (options.UNKNOWN, "ignore", "is none of warn, error"),
    ],
)
def test_wrong_value_is_rejected_with_the_expected_form(
    option: options.Option, bad: str, sentence: str
) -> None:
    with pytest.raises(argparse.ArgumentTypeError) as caught:
        option.type(bad)
    assert sentence in str(caught.value)
    assert repr(bad)[:50] in str(caught.value)


@pytest.mark.parametrize(
    ("option", "text", "value"),
    [
        (options.MAX_SERVERS, "20", 20),
        (options.TIMEOUT, "1.5", 1.5),
        (options.EXPIRY, "90s", 90.0),
        (options.EXPIRY, "45m", 2700.0),
        (options.EXPIRY, "2d", 172800.0),
        (options.EXPIRY, "7", 7.0),
        (options.EXPIRY, "36500d", 36500 * 86400.0),
        (options.TRY_COUNT, "4", 4),
        (options.RUN, "00112233aabbccdd", "00112233aabbccdd"),
        (options.KEEP, "failed", "failed"),
        (options.UNKNOWN, "error", "error"),
    ],
)
def test_correct_value_is_converted(option: options.Option, text: str, value: Any) -> None:
    assert option.type(text) == value
