"""What each built-in layer promises: columns as declared, facts that DuckDB can work out, even when nothing is seen."""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

import hour_lake.layers
from hour_lake.catalog.facts import MACROS, facts_sql
from hour_lake.catalog.views import SCHEMA
from hour_lake.layers import Frames, layer
from hour_lake.layers.blink import blink
from hour_lake.models.registry import registry
from hour_lake.passes.columns import typed
from hour_lake.passes.corpus import CorpusOutcome, made
from hour_lake.passes.declare import Layer
from hour_lake.passes.media import Readers, SegmentMedia
from hour_lake.passes.registry import load_layers
from hour_lake.passes.run import Run
from hour_lake.passes.tables import from_parquet, to_arrow, to_parquet
from hour_lake_tests.insightface_networks import insightface_networks as insightface_networks
from hour_lake_tests.pictures import frames_of, scene
from hour_lake_tests.weights import weights_folder as weights_folder

FILES = sorted(Path(hour_lake.layers.__path__[0]).glob("*.py"))
LAYERS: Mapping[str, Layer] = load_layers()  # those that wait to be opted in as well
SEGMENT = "toy_00000000_00000400"  # ten frames, 0.4 s
Tables = Mapping[str, Mapping[str, Any]]


def readers(picture: np.ndarray, sound: np.ndarray) -> Readers:
    """Ten equal frames and 0.4 s of sound, whatever file is asked for."""

    def frames(_: Path) -> Iterator[Frames]:
        yield frames_of(*[picture] * 4)
        yield frames_of(*[picture] * 6, first_index=4)

    return Readers(frames, lambda _: (sound[::3], 16_000), lambda _: (sound[:, None], 48_000))


def all_tables(picture: np.ndarray, sound: np.ndarray) -> Tables:
    """The table of every layer, as it is kept."""
    here = Path("toy")
    of_segment = [one for one in LAYERS.values() if not one.is_corpus_wide]
    run = Run(of_segment, SegmentMedia(SEGMENT, here, here, here), {}, {}, readers=readers(picture, sound))
    run.all()
    assert not run.errors
    found = {one.name: from_parquet(to_parquet(one, SEGMENT, run.tables[one.name])) for one in of_segment}
    return {name: found[name] if name in found else over_all(one, found) for name, one in LAYERS.items()}


def over_all(declared: Layer, tables: Tables) -> Mapping[str, Any]:
    """What a layer over the whole corpus says of a corpus of one segment."""
    rows = {read: len(next(iter(tables[read].values()))) for read in declared.reads}
    given = [{**tables[read], "segment_id": np.full(rows[read], SEGMENT, object)} for read in declared.reads]
    outcome = made(declared, given, {})
    assert isinstance(outcome, CorpusOutcome), outcome
    empty = typed(declared, {column: [] for column in declared.columns}, rows=None)
    return from_parquet(outcome.files.get(SEGMENT) or to_parquet(declared, SEGMENT, empty))


@cache
def seen() -> Tables:
    return all_tables(scene((400, 150, 1.2)), np.random.default_rng(0).normal(0, 0.1, 19_200).astype(np.float32))


@cache
def nothing() -> Tables:
    return all_tables(np.zeros((720, 1280, 3), np.uint8), np.zeros(19_200, np.float32))


pytestmark = pytest.mark.usefixtures("weights_folder", "insightface_networks")


def facts(declared: Layer, table: Mapping[str, Any]) -> dict[str, Any]:
    """Every fact of a segment of 0.4 s, as the catalog asks for it."""
    connection = duckdb.connect()
    for macro in MACROS:
        connection.execute(macro)
    connection.execute(f"CREATE SCHEMA {SCHEMA}")
    connection.execute(f"CREATE TABLE {SCHEMA}.durations AS SELECT '{SEGMENT}' AS segment_id, 0.4 AS duration_seconds")
    connection.register("kept", to_arrow(declared, SEGMENT, dict(table)))
    found = connection.execute(facts_sql(declared, "SELECT *, row_number() OVER () AS _row FROM kept")).fetchone()
    if found is None:  # a layer without a row has no struct: every fact is NULL
        return dict.fromkeys(declared.facts)
    return {name: value for name, value in found[1].items() if name in declared.facts}


@pytest.mark.parametrize("name", LAYERS)
def test_columns_are_those_declared(name: str) -> None:
    for tables in (seen(), nothing()):
        table = tables[name]
        assert set(LAYERS[name].columns) <= set(table)
        rows = len(next(iter(table.values())))
        if LAYERS[name].rows == "segment":
            assert rows == 1
        if LAYERS[name].rows == "frame":
            assert list(table["frame_index"]) == sorted(set(range(10)) & set(table["frame_index"]))


@pytest.mark.parametrize("name", LAYERS)
def test_facts_of_a_usual_segment_are_finite(name: str) -> None:
    values = facts(LAYERS[name], seen()[name])
    assert values
    numbers = {fact: value for fact, value in values.items() if isinstance(value, float | int)}
    assert all(np.isfinite(float(value)) for value in numbers.values()), values
    assert all(0 <= value <= 1 for fact, value in numbers.items() if fact.endswith("_share")), values


@pytest.mark.parametrize("name", LAYERS)
def test_a_black_silent_segment_has_facts_too(name: str) -> None:
    values = facts(LAYERS[name], nothing()[name])
    assert not any(isinstance(value, float) and not np.isfinite(value) for value in values.values()), values


def test_facts_say_what_is_not_there() -> None:
    here, absent = (facts(LAYERS["face_boxes"], tables["face_boxes"]) for tables in (seen(), nothing()))
    assert (here["face_share"], here["no_face_share"], here["max_faces"]) == (1, 0, 1)
    assert (absent["face_share"], absent["no_face_share"], absent["max_faces"]) == (0, 1, 0)
    assert absent["width_px_median"] is None
    assert facts(LAYERS["face_landmarks"], nothing()["face_landmarks"])["seen_share"] == 0
    silent = facts(LAYERS["loudness"], nothing()["loudness"])
    assert (silent["integrated_lufs"], silent["silent_share"], silent["clipped_share"]) == (-70, 1, 0)
    assert facts(LAYERS["luminance"], nothing()["luminance"])["dark_share_mean"] == 1


def test_the_range_of_light_and_the_patch_that_moves_least() -> None:
    grid = {"frame_index": np.arange(3, dtype=np.int32), "time_seconds": np.arange(3) / 25}
    light = {**seen()["luminance"], "luma": np.array([90.0, 120.0, 100.0, *[100.0] * 7], np.float32)}
    assert facts(LAYERS["luminance"], light)["range"] == pytest.approx(30)
    patches = np.full((3, 9), 5, np.float32)
    patches[:, 4], patches[2, 7], patches[0] = 2, 0, np.nan
    table = {"difference": np.ones(3), "moving_share": np.ones(3), "patch_difference": patches, **grid}
    assert facts(LAYERS["motion"], table)["patch_min"] == pytest.approx(2)


def test_blinks_a_minute() -> None:
    flags = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 1], bool)
    grid = {"frame_index": np.arange(10, dtype=np.int32), "time_seconds": np.arange(10) / 25}
    table = {"eye_openness": np.full(10, 0.2, np.float32), "is_closed": flags, "is_blink": flags, **grid}
    found = facts(blink, table)
    assert found["blinks_per_minute"] == pytest.approx(60 * 3 / 0.4)
    assert found["is_blinking"] is True


def test_the_same_input_gives_the_same_bytes() -> None:
    again = all_tables(scene((400, 150, 1.2)), np.random.default_rng(0).normal(0, 0.1, 19_200).astype(np.float32))
    for name, declared in LAYERS.items():
        kept = [to_parquet(declared, SEGMENT, dict(tables[name])) for tables in (again, seen())]
        assert kept[0] == kept[1], name


def test_every_file_of_the_folder_is_one_layer_of_its_name() -> None:
    assert {path.stem for path in FILES if not path.stem.startswith("_")} == set(load_layers())
    assert not load_layers().broken


def test_there_are_at_least_thirty() -> None:
    assert len(LAYERS) >= 30


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_layer_can_be_read_at_a_glance(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 80


def test_layers_name_the_models_that_they_run() -> None:
    for each in load_layers().values():
        assert set(each.all_models) <= set(registry()), each.name
    assert {name for each in load_layers().values() for name in each.all_models} == set(registry())


def test_the_ten_lines_of_a_simple_layer() -> None:
    @layer(reads="face_landmarks", columns={"is_odd": "bool"}, facts={"odd_share": "avg(is_odd::INTEGER)"})
    def odd(face_landmarks: Any, *, every: int = 2) -> dict[str, Any]:
        """Whether a frame's number is odd."""
        return {"is_odd": np.arange(len(face_landmarks["presence"])) % every == 1}

    grid = {"frame_index": np.arange(10, dtype=np.int32), "time_seconds": np.arange(10) / 25}
    assert facts(odd, {**odd({"presence": np.ones(10)}), **grid})["odd_share"] == 0.5
