"""Messages between processes: values come back as they were, and nothing but values can come."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import HourLakeError, MediaError
from hour_lake.passes import wire
from hour_lake.passes.outcome import Outcome
from hour_lake.settings import Limits
from hour_lake_tests.toy_work import Job

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary(max_size=20)
    | st.builds(Path, st.just("/a/b.mp4")) | st.builds(Job, st.text(), st.text(), st.integers())
    | st.builds(Outcome, st.binary(max_size=20), st.integers(), st.floats(allow_nan=False))
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=3)
    ),
    max_leaves=8,
)  # fmt: skip


@given(values)
def test_values_come_back(value: Any) -> None:
    assert wire.decode(wire.encode(value)) == value


@pytest.mark.parametrize("array", [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0, 4), np.uint8),
                                   np.array([True, False]), np.array(["a", "bc"])])  # fmt: skip
def test_arrays_come_back_with_shape_and_type(array: np.ndarray) -> None:
    back = wire.decode(wire.encode({"one": array, "two": [b"x", array.T]}))
    assert (back["one"].dtype, back["one"].shape) == (array.dtype, array.shape)
    assert np.array_equal(back["one"], array) and np.array_equal(back["two"][1], array.T)
    assert wire.decode(wire.encode(np.float32(0.5))) == 0.5


def test_errors_and_settings_come_back() -> None:
    error = wire.decode(wire.encode(MediaError("TRUNCATED", "ends early", value=3, where="a.mp4", fix="copy it")))
    assert isinstance(error, MediaError)
    assert str(error) == "TRUNCATED: ends early | value: 3 | where: a.mp4 | fix: copy it"
    assert wire.decode(wire.encode(Limits(max_streams=3))) == Limits(max_streams=3)


@pytest.mark.parametrize("value", [object(), {1, 2}, test_values_come_back, np.array([object()]), HourLakeError])
def test_what_is_no_value_cannot_travel(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot travel"):
        wire.encode([1, value])


FORGED = {
    "a class of others": {"class": "subprocess:Popen", "fields": {"dict": [["args", "true"]]}},
    "a function of ours": {"class": "hour_lake.settings:parse_settings", "fields": {"dict": []}},
    "a class of ours that is no dataclass": {"class": "hour_lake.errors:HourLakeError", "fields": {"dict": []}},
    "another's class by way of ours": {"class": "hour_lake.passes.process:subprocess.Popen", "fields": {"dict": []}},
    "an unknown kind": {"pickle": "gASV"},
    "an array of objects": {"array": "|O", "shape": [1], "bytes": 8},
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_message_makes_nothing(name: str) -> None:
    text = json.dumps(FORGED[name]).encode()
    with pytest.raises((ValueError, TypeError)):
        wire.decode(wire.LENGTH.pack(len(text), 8) + text + bytes(8))
    good = json.dumps({"dict": [["a", 1]]}).encode()
    assert wire.decode(wire.LENGTH.pack(len(good), 0) + good) == {"a": 1}


def test_a_message_arrives_whole_or_not_at_all() -> None:
    ours, theirs = socket.socketpair()
    message = wire.encode({"data": bytes(50_000)})
    theirs.sendall(message + message[:-1])
    assert wire.decode(wire.receive(ours)) == {"data": bytes(50_000)}
    with pytest.raises(TimeoutError):
        wire.receive(ours, seconds=0.01)
    theirs.close()
    with pytest.raises(EOFError):
        wire.receive(ours)
    ours.close()


def test_a_length_that_no_result_has_is_refused() -> None:
    ours, theirs = socket.socketpair()
    theirs.sendall(wire.LENGTH.pack(10, 2**40))
    with pytest.raises(EOFError, match="bytes"):
        wire.receive(ours)
    ours.close()
    theirs.close()


def test_only_functions_that_can_be_imported_have_a_name() -> None:
    @dataclass
    class Local:
        x: int

    assert wire.found(wire.name_of(wire.encode)) is wire.encode
    for nameless in (lambda: None, Local):
        with pytest.raises(ValueError, match="top level"):
            wire.name_of(nameless)
