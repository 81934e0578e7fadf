"""One pass: one decode for all layers, tables as they would be read back, failures that stay alone."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hour_lake.errors import HourLakeError, MediaError
from hour_lake.passes.arrays import Frames
from hour_lake.passes.media import Readers, SegmentMedia
from hour_lake.passes.outcome import Outcome
from hour_lake.passes.registry import Layers
from hour_lake.passes.run import run_pass
from hour_lake.passes.tables import from_parquet
from hour_lake_tests.toy_layers import READERS, decode, layers_of, make_clip, make_wav

SEGMENT = "bob_00000000_00000400"  # 10 frames
TOYS = """
@layer(reads="frames", columns={"level": "float32"})
def toy_level(frames):
    return {"level": frames.pixels.mean(axis=(1, 2, 3))}

@layer(reads=("frames", "toy_level"), columns={"same": "bool", "index": "int32"})
def toy_follows(frames, toy_level):
    level = frames.pixels.mean(axis=(1, 2, 3)).astype(np.float32)
    return {"same": level == toy_level["level"], "index": toy_level["frame_index"]}

@layer(reads="frames", columns={"change": "float32", "step": "float32"})
class toy_change:
    def __init__(self, *, step: float = 1.0):
        self.step, self.before = step, np.nan
    def __call__(self, frames):
        level = frames.pixels.mean(axis=(1, 2, 3))
        change = np.diff(level, prepend=self.before)
        self.before = level[-1]
        return {"change": change, "step": np.full(len(frames), self.step)}

@layer(reads="toy_level", columns={"over": "bool"})
def toy_over(toy_level, *, limit: float = 20.0):
    return {"over": toy_level["level"] > limit}

@layer(reads="frames", rows="segment", columns={"frames_seen": "int32"})
class toy_count:
    def __init__(self):
        self.seen = 0
    def __call__(self, frames):
        self.seen += len(frames)
    def finish(self):
        return {"frames_seen": self.seen}

@layer(reads="frames", columns={"from_end": "int32"})
class toy_from_end:
    def __init__(self):
        self.seen = 0
    def __call__(self, frames):
        self.seen += len(frames)
    def finish(self):
        return {"from_end": np.arange(self.seen)[::-1]}

@layer(reads=("frames", "toy_from_end"), columns={"both": "int32"})
def toy_after(frames, toy_from_end):
    return {"both": toy_from_end["from_end"] + frames.frame_index}

@layer(reads=("frames", "toy_over", "toy_count"), columns={"share": "float32"})
def toy_late(frames, toy_over, toy_count):
    return {"share": np.full(len(frames), toy_over["over"].mean() * toy_count["frames_seen"][0])}

@layer(reads="samples", columns={"rms": "float32"})
def toy_rms(samples):
    return {"rms": np.sqrt((samples.values.reshape(-1, 640) ** 2).mean(axis=1))}

@layer(reads=("toy_level", "toy_rms"), rows="segment", columns={"both": "float64", "rows": "int32"})
def toy_both(toy_level, toy_rms):
    return {"both": float(toy_level["level"].mean() * toy_rms["rms"].mean()), "rows": len(toy_rms["rms"])}
"""  # noqa: E501


class Counting:
    """A decode that counts how often it was asked."""

    def __init__(self) -> None:
        self.times = 0
        self.readers = Readers(self.frames, READERS.samples, READERS.master)

    def frames(self, path: Path) -> Iterator[Frames]:
        self.times += 1
        yield from decode(path)


@pytest.fixture(scope="module")
def media(tmp_path_factory: pytest.TempPathFactory) -> SegmentMedia:
    folder = tmp_path_factory.mktemp("media")
    wav = make_wav(folder / "sound.wav", samples=6400)
    return SegmentMedia(SEGMENT, make_clip(folder / "clip.mp4", frames=10), wav, wav)


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Layers:
    layers = layers_of(tmp_path_factory.mktemp("toys"), toys=TOYS)
    assert not [e for e in layers.broken if "toys" in str(e.where)]
    return layers


def run(
    layers: Layers, names: list[str], media: SegmentMedia, readers: Readers = READERS, **more: Any
) -> dict[str, Any]:
    return run_pass([layers[n] for n in names], media, more.get("inputs", {}), more.get("config", {}), readers=readers)


def table(outcome: Outcome | HourLakeError) -> dict[str, Any]:
    assert isinstance(outcome, Outcome), outcome
    return dict(from_parquet(outcome.data))


def test_all_layers_share_one_decode(toys: Layers, media: SegmentMedia) -> None:
    counting = Counting()
    names = ["toy_follows", "toy_level", "toy_change", "toy_over", "toy_count", "toy_rms", "toy_both"]
    outcomes = run(toys, names, media, counting.readers)
    assert counting.times == 1
    assert [outcome.rows for outcome in outcomes.values()] == [len(table(x)["frame_index"]) if "frame_index" in table(x)
                                                               else x.rows for x in outcomes.values()]  # fmt: skip
    level = table(outcomes["toy_level"])
    assert level["frame_index"].tolist() == list(range(10))
    assert level["time_seconds"] == pytest.approx(np.arange(10) / 25)
    assert level["level"] == pytest.approx(10 + 2 * np.arange(10), abs=2)
    assert table(outcomes["toy_follows"])["same"].all()
    assert table(outcomes["toy_follows"])["index"].tolist() == list(range(10))
    assert np.isnan(table(outcomes["toy_change"])["change"]).tolist() == [True] + [False] * 9
    assert table(outcomes["toy_count"])["frames_seen"].tolist() == [10]
    assert table(outcomes["toy_over"])["over"].tolist() == (level["level"] > 20).tolist()
    assert table(outcomes["toy_both"])["rows"].tolist() == [10]
    assert all(outcome.seconds > 0 for outcome in outcomes.values())


def test_without_frame_layers_nothing_is_decoded(toys: Layers, media: SegmentMedia) -> None:
    counting = Counting()
    level = run(toys, ["toy_level"], media)["toy_level"]
    outcomes = run(toys, ["toy_over", "toy_rms"], media, counting.readers, inputs={"toy_level": level.data})
    assert counting.times == 0
    assert [len(table(x)) for x in outcomes.values()] == [3, 1]


def test_one_by_one_gives_the_same_bytes_as_together(toys: Layers, media: SegmentMedia) -> None:
    names = ["toy_level", "toy_follows", "toy_over", "toy_count", "toy_late", "toy_from_end", "toy_after", "toy_rms",
             "toy_both"]  # fmt: skip
    together = run(toys, names, media)
    alone: dict[str, bytes] = {}
    for name in names:
        alone[name] = run(toys, [name], media, inputs=alone)[name].data
    assert alone == {name: outcome.data for name, outcome in together.items()}


def test_a_frame_layer_that_needs_a_whole_table_makes_the_second_decode(toys: Layers, media: SegmentMedia) -> None:
    counting = Counting()
    outcomes = run(toys, ["toy_level", "toy_over", "toy_count", "toy_late"], media, counting.readers)
    assert counting.times == 2
    # toy_over comes frame by frame with each batch (0 of 4, 2 of 4 and 2 of 2 are over), toy_count as a whole.
    assert table(outcomes["toy_late"])["share"].tolist() == [0.0] * 4 + [5.0] * 4 + [10.0] * 2


def test_a_frame_layer_may_give_its_rows_at_the_end(toys: Layers, media: SegmentMedia) -> None:
    counting = Counting()
    outcomes = run(toys, ["toy_level", "toy_from_end", "toy_after"], media, counting.readers)
    assert counting.times == 2  # toy_after reads frames and what is only there after the last one
    found = table(outcomes["toy_from_end"])
    assert found["from_end"].tolist() == list(range(10))[::-1]
    assert found["frame_index"].tolist() == list(range(10))
    assert found["time_seconds"] == pytest.approx(np.arange(10) / 25)
    assert table(outcomes["toy_after"])["both"].tolist() == [9] * 10


def test_rows_at_the_end_are_counted(tmp_path: Path, media: SegmentMedia) -> None:
    body = """
@layer(reads="frames", columns={"a": "bool"})
class toy_bad:
    def __call__(self, frames): ...
    def finish(self):
        return {"a": [True] * 9}
"""
    outcomes = run(layers_of(tmp_path, bad=body), ["toy_bad"], media)
    assert outcomes["toy_bad"].code == "LAYER_OUTPUT" and "10 rows" in str(outcomes["toy_bad"])


WHOLE = """
@layer(reads="READS", rows="ROWS", columns={"found": "float32"})
class toy_whole:
    def __init__(self, *, least: float = 0.0):
        self.found = least
    def __call__(self, given):
        self.found += GIVEN
        return RETURNED
"""
FINISH = """
    def finish(self):
        return {"found": [self.found] * COUNT}
"""


@pytest.mark.parametrize(
    ("reads", "rows", "given", "count"),
    [("samples", "segment", "np.ptp(given.values)", 1), ("master", "window", "np.ptp(given.values)", 3),
     ("toy_level", "segment", "np.ptp(given['level'])", 1), ("toy_level", "frame", "np.ptp(given['level'])", 10)],
)  # fmt: skip
def test_a_class_that_reads_no_frames_gives_its_rows_in_finish_if_it_has_it(
    reads: str, rows: str, given: str, count: int, tmp_path: Path, media: SegmentMedia
) -> None:
    found: list[list[float]] = []
    for kind, returned, finish in (("finish", "None", FINISH), ("call", '{"found": [self.found] * COUNT}', "")):
        body = (WHOLE + finish).replace("READS", reads).replace("ROWS", rows).replace("GIVEN", given)
        body = body.replace("RETURNED", returned).replace("COUNT", str(count))
        layers = layers_of(tmp_path / kind, toys=TOYS, whole=body)
        outcomes = run(layers, ["toy_level", "toy_whole"], media, config={"toy_whole": {"least": 2.0}})
        found.append(table(outcomes["toy_whole"])["found"].tolist())
    assert found[0] == found[1] and len(found[0]) == count and found[0][0] > 2


def test_configuration_reaches_functions_and_classes(toys: Layers, media: SegmentMedia) -> None:
    config = {"toy_over": {"limit": 1000}, "toy_change": {"step": 3}}
    outcomes = run(toys, ["toy_level", "toy_over", "toy_change"], media, config=config)
    assert not table(outcomes["toy_over"])["over"].any()
    assert set(table(outcomes["toy_change"])["step"].tolist()) == {3.0}


@pytest.mark.parametrize(
    ("config", "fix"), [({"limt": 3.0}, "did you mean 'limit'?"), ({"limit": "3"}, None), ({"limit": True}, None)]
)
def test_a_wrong_keyword_fails_its_layer_alone(
    toys: Layers, media: SegmentMedia, config: dict[str, Any], fix: str | None
) -> None:
    outcomes = run(toys, ["toy_level", "toy_over"], media, config={"toy_over": config})
    assert (outcomes["toy_over"].code, outcomes["toy_over"].fix) == ("LAYER_CONFIG", fix)
    assert outcomes["toy_level"].rows == 10


FAILURES: dict[str, tuple[str, str, int]] = {
    "raises": ("def toy_bad(frames):\n    if frames.first_index:\n        raise ValueError('no face')\n"
               "    return {'a': np.zeros(len(frames))}", "LAYER_FAILED", 7),
    "short": ("def toy_bad(frames):\n    return {'a': np.zeros(1)}", "LAYER_OUTPUT", 4),
    "memory": ("def toy_bad(frames):\n    return {'a': np.zeros((10**6, 10**9))}", "WORKER_MEMORY", 6),
    "coded": ("def toy_bad(frames):\n    from hour_lake.errors import ModelError\n"
              "    raise ModelError('MODEL_REFUSED', 'not allowed', where='there:9')", "MODEL_REFUSED", 9),
    "in numpy": ("def toy_bad(frames):\n    return {'a': np.linalg.inv(np.zeros((2, 2)))}", "LAYER_FAILED", 6),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_layer_that_fails_blocks_its_readers_only(tmp_path: Path, media: SegmentMedia, name: str) -> None:
    body, code, line = FAILURES[name]
    reader = '@layer(reads="{}", columns={{"b": "bool"}})\ndef {}(x): return {{"b": [True] * 10}}\n'
    layers = layers_of(
        tmp_path, toys=TOYS, bad='@layer(reads="frames", columns={"a": "float32"})\n' + body.replace("\n@", "\n"),
        readers=reader.format("toy_bad", "toy_reader") + reader.format("toy_reader", "toy_grandchild"),
    )  # fmt: skip
    names = ["toy_bad", "toy_level", "toy_reader", "toy_grandchild", "toy_rms", "toy_over"]
    outcomes = run(layers, names, media)
    error = outcomes["toy_bad"]
    assert error.code == code
    assert error.where.endswith(f":{line}")
    assert [outcomes[n].code for n in ("toy_reader", "toy_grandchild")] == ["BLOCKED", "BLOCKED"]
    assert (outcomes["toy_reader"].value, outcomes["toy_grandchild"].value) == ("toy_bad", "toy_reader")
    assert [table(outcomes[n]) != {} for n in ("toy_level", "toy_rms", "toy_over")] == [True] * 3


def test_what_is_read_and_not_there_blocks(toys: Layers, media: SegmentMedia) -> None:
    outcomes = run(toys, ["toy_over", "toy_follows", "toy_rms"], media)
    assert [outcomes[n].code for n in ("toy_over", "toy_follows")] == ["BLOCKED", "BLOCKED"]
    assert outcomes["toy_rms"].rows == 10


def _raising(error: Exception) -> Callable[[Path], Iterator[Frames]]:
    def frames(path: Path) -> Iterator[Frames]:
        yield next(decode(path))
        raise error

    return frames


DECODES: dict[str, tuple[Callable[[Path], Iterator[Frames]], str]] = {
    "coded": (_raising(MediaError("TRUNCATED", "ends early")), "TRUNCATED"),
    "foreign": (_raising(OSError("bad packet")), "CORRUPT"),
    "memory": (_raising(MemoryError("no room")), "WORKER_MEMORY"),
    "short": (lambda path: iter([next(decode(path))]), "COUNT_MISMATCH"),
    "empty": (lambda path: iter([]), "NO_FRAMES"),
}


@pytest.mark.parametrize("name", DECODES)
def test_a_decode_that_fails_fails_frame_layers_and_no_others(toys: Layers, media: SegmentMedia, name: str) -> None:
    frames, code = DECODES[name]
    readers = Readers(frames, READERS.samples, READERS.master)
    outcomes = run(toys, ["toy_level", "toy_change", "toy_over", "toy_rms"], media, readers)
    assert [outcomes[n].code for n in ("toy_level", "toy_change", "toy_over")] == [code, code, "BLOCKED"]
    assert outcomes["toy_rms"].rows == 10


def test_sound_that_is_missing_or_short_fails_sound_layers_only(
    toys: Layers, media: SegmentMedia, tmp_path: Path
) -> None:
    silent = SegmentMedia(SEGMENT, media.clip)
    short = SegmentMedia(SEGMENT, media.clip, make_wav(tmp_path / "short.wav", samples=6399))
    for of, code in ((silent, "NO_AUDIO"), (short, "COUNT_MISMATCH")):
        outcomes = run(toys, ["toy_rms", "toy_level"], of)
        assert (outcomes["toy_rms"].code, outcomes["toy_level"].rows) == (code, 10)


def test_decoding_stops_when_no_layer_is_left(tmp_path: Path, media: SegmentMedia) -> None:
    layers = layers_of(
        tmp_path, bad='@layer(reads="frames", columns={"a": "bool"})\ndef toy_bad(frames): raise KeyError(1)'
    )
    seen: list[int] = []

    def frames(path: Path) -> Iterator[Frames]:
        for batch in decode(path):
            seen.append(len(batch))
            yield batch

    run(layers, ["toy_bad"], media, Readers(frames, READERS.samples, READERS.master))
    assert seen == [4]
