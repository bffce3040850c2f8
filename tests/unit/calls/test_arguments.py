"""Arguments of calls that are made more than once."""

from __future__ import annotations

import codecs
import io
import os
import tempfile
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.calls.arguments import SMALL, Repeatable, copied, title_of
from pytest_osfutures.errors import InvalidArgument


def method(self: Any, name: str, userdata: Any = None, *more: Any, **options: Any) -> None:
    """Accept any arguments: the method that the arguments are for."""


def tries(number: int, *args: Any, read: bool = True, **kwargs: Any) -> list[Any]:
    """Return the data that each try reads to the end, as a client does."""

    def look(*args: Any, **kwargs: Any) -> Any:
        return _read([args, kwargs]) if read else [args, kwargs]

    call = repeatable(look, *args, **kwargs)
    return [call() for _ in range(number)]


def repeatable(fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Repeatable:
    return Repeatable("create_async_r", method, fn, args, kwargs)


def _read(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _read(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_read(each) for each in value]
    return value.read() if hasattr(value, "read") else value


@pytest.fixture(params=["text", "binary", "temporary", "memory", "codec"])
def file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Any]:
    path = tmp_path / "data"
    path.write_text("#!payload")
    if request.param == "temporary":
        with tempfile.NamedTemporaryFile("w+") as found:
            found.write("#!payload")
            found.seek(0)
            yield found
        return
    opened: dict[str, Callable[[], Any]] = {
        "text": path.open,
        "binary": lambda: path.open("rb"),
        "memory": lambda: io.BytesIO(b"#!payload"),
        "codec": lambda: codecs.getreader("utf-8")(path.open("rb")),
    }
    with opened[request.param]() as found:
        yield found


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def test_each_try_reads_a_file_from_its_first_position(file: Any) -> None:
    file.read(2)
    seen = tries(3, "web", file)
    assert [_text(args[1]) for args, _ in seen] == ["payload"] * 3


def test_a_file_may_be_given_to_many_calls_and_be_closed(file: Any) -> None:
    calls = [repeatable(lambda _, data: data.read(), "web", file) for _ in range(3)]
    file.close()
    for call in calls:
        assert [_text(call()) for _ in range(2)] == ["#!payload"] * 2


def test_a_large_file_is_rewound_and_not_held_in_memory(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(b"x" * (SMALL + 10))
    with path.open("rb") as large:
        seen = tries(2, "web", large)
        assert [len(args[1]) for args, _ in seen] == [SMALL + 10] * 2
        large.seek(0)
        [[[_, given], _]] = tries(1, "web", large, read=False)
        assert given is large


def test_files_within_containers_are_rewound_as_well(file: Any) -> None:
    seen = tries(2, "web", files={"/etc/motd": file}, more=[{"data": (file,)}])
    assert seen[0] == seen[1]
    assert _text(seen[1][1]["files"]["/etc/motd"]) == "#!payload"
    assert _text(seen[1][1]["more"][0]["data"][0]) == "#!payload"


def test_each_try_gets_containers_of_its_own() -> None:
    given: dict[str, Any] = {
        "block_device_mapping_v2": [{"uuid": "v"}],
        "meta": defaultdict(list, a=["b"]),
        "hints": OrderedDict(group="g"),
        "tags": {"x"},
        "queue": deque([1], 5),
        "pair": ([1],),
    }
    seen = []

    def create(**options: Any) -> None:
        seen.append(copied(options))
        options["block_device_mapping_v2"].insert(0, {"uuid": "image"})  # as novaclient does
        options["block_device_mapping_v2"][1]["uuid"] = "other"
        options["meta"]["a"].append("c")
        options["tags"].clear()
        options["pair"][0].clear()

    call = repeatable(create, **given)
    call()
    given["block_device_mapping_v2"].clear()
    given["meta"]["a"].append("changed by the user")
    call()
    assert seen[0] == seen[1]
    assert seen[1]["block_device_mapping_v2"] == [{"uuid": "v"}]
    assert seen[1]["meta"] == {"a": ["b"]}
    assert {key: type(each) for key, each in seen[1].items()} == {
        key: type(each) for key, each in given.items()
    }


class Resource(dict[str, Any]):
    """A resource of openstacksdk is a dict, too."""


class Lazy:
    """A resource of novaclient: an attribute that it does not have is asked for."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"{name} was asked for")


def test_resources_as_arguments_are_not_copied() -> None:
    resource, lazy = Resource(id="a"), Lazy()
    [[[name, first], options]] = tries(1, lazy, resource, image=[resource], read=False)
    assert name is lazy
    assert first is resource
    assert options["image"][0] is resource


def test_bytes_that_may_change_are_copied() -> None:
    data = bytearray(b"payload")
    call = repeatable(lambda _, given: given, "web", data)
    data.clear()
    assert call() == b"payload"


def test_a_view_of_a_dict_is_copied() -> None:
    nets = {"a": 1}
    call = repeatable(lambda _, given: list(given), "web", nets.values())
    nets.clear()
    assert call() == [1]


ONCE: dict[str, Callable[[], Any]] = {
    "generator": lambda: (number for number in range(3)),
    "map": lambda: map(str, [1]),
    "iterator": lambda: iter([1]),
    "zip": lambda: zip([1], [2], strict=True),
    "reversed": lambda: reversed([1]),
}


@pytest.mark.parametrize("kind", list(ONCE))
def test_an_argument_that_can_be_read_only_once_is_refused(kind: str) -> None:
    with pytest.raises(InvalidArgument, match=r"^create_async_r: userdata is an iterator"):
        repeatable(print, "web", ONCE[kind]())
    with pytest.raises(
        InvalidArgument, match=r"create_async_r: nics\[0\]\['net-id'\] is an iterator"
    ):
        repeatable(print, nics=[{"net-id": ONCE[kind]()}])


def test_a_further_argument_is_told_by_its_number() -> None:
    with pytest.raises(InvalidArgument, match="argument 3 is an iterator"):
        repeatable(print, "web", None, iter(()))


def test_a_pipe_is_refused_and_keeps_its_content() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "wb") as end:
        end.write(b"payload")
    with os.fdopen(reading, "rb") as pipe:
        with pytest.raises(InvalidArgument, match="userdata is a file that cannot be rewound"):
            repeatable(print, "web", pipe)
        assert pipe.read() == b"payload"


def test_a_closed_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with (tmp_path / "data").open("w+") as file:
        pass
    with pytest.raises(InvalidArgument, match="closed file"):
        repeatable(print, userdata=file)


class Stream:
    """A file that can only be read."""

    def read(self, _: int = -1) -> bytes:
        raise AssertionError("it was read")


def test_a_stream_that_cannot_seek_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="cannot be rewound"):
        repeatable(print, files={"/x": Stream()})


class Manager:
    """A manager of a client."""

    def create(self, name: str, size: int = 1) -> None: ...
    def extend(self, volume: str, size: int) -> None: ...


@pytest.mark.parametrize(
    ("call", "title"),
    [
        (partial(Manager().create, "web", 2), "Manager.create 'web'"),
        (partial(Manager().create, size=2, name="web"), "Manager.create 'web'"),
        (partial(Manager().create, size=3), "Manager.create"),
        (partial(Manager().extend, "id", 2), "Manager.extend"),
        (Repeatable("x", Manager.create, Manager().create, ["web"], {}), "Manager.create 'web'"),
        (Manager().extend, "Manager.extend"),
        (partial(dict.get, {}), "dict.get"),
        (int, "int"),
    ],
)
def test_a_call_has_a_title(call: Any, title: str) -> None:
    assert title_of(call) == title
