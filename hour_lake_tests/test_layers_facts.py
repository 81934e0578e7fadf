"""What layers promise: their columns as declared, and facts that DuckDB can work out, also when nothing was seen."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pytest

import hour_lake.layers
from hour_lake.layers import Samples, layer
from hour_lake.layers.blink import blink
from hour_lake.layers.face_boxes import face_boxes
from hour_lake.layers.face_landmarks import face_landmarks
from hour_lake.layers.head_pose import head_pose
from hour_lake.layers.loudness import loudness
from hour_lake.layers.luminance import luminance
from hour_lake.layers.mel import mel
from hour_lake.layers.motion import motion
from hour_lake.layers.mouth import mouth
from hour_lake.layers.sharpness import sharpness
from hour_lake.layers.voice_activity import voice_activity
from hour_lake.models.registry import registry
from hour_lake.passes.declare import Layer
from hour_lake_tests.pictures import frames_of, scene
from hour_lake_tests.weights import weights_folder as weights_folder

LAYERS: tuple[Layer, ...] = (
    face_boxes, face_landmarks, sharpness, luminance, motion, blink, mouth, head_pose, voice_activity, mel, loudness,
)  # fmt: skip
FILES = sorted(path for path in Path(hour_lake.layers.__path__[0]).glob("*.py"))
Tables = Mapping[str, Mapping[str, Any]]


def all_tables(picture: np.ndarray, sound: np.ndarray) -> Tables:
    """The output of every layer over ten equal frames and 0.4 s of sound."""
    given: dict[str, Any] = {
        "frames": frames_of(*[picture] * 10),
        "samples": Samples(sound[::3], 16_000),
        "master": Samples(sound[:, None], 48_000),
    }
    tables: dict[str, Mapping[str, Any]] = {}
    for each in LAYERS:
        reads = [tables[name] if name in tables else given[name] for name in each.reads]
        tables[each.name] = each()(*reads) if each.is_class else each(*reads)
    return tables


@pytest.fixture(scope="module")
def seen(weights_folder: Path) -> Tables:
    return all_tables(scene((400, 150, 1.2)), np.random.default_rng(0).normal(0, 0.1, 19_200).astype(np.float32))


@pytest.fixture(scope="module")
def nothing(weights_folder: Path) -> Tables:
    return all_tables(np.zeros((720, 1280, 3), np.uint8), np.zeros(19_200, np.float32))


def arrow(declared: Layer, table: Mapping[str, Any]) -> pa.Table:
    """The table as it is kept: typed as declared, NaN missing, rows numbered."""
    columns = {name: column(table[name], kind, declared.rows) for name, kind in declared.columns.items()}
    rows = len(next(iter(columns.values())))
    return pa.table({**columns, "_row": pa.array(range(rows))})


def column(values: Any, kind: str, rows: str) -> pa.Array:
    base, width = re.sub(r"list<|>|\[\d+\]", "", kind), re.search(r"\[(\d+)\]", kind)
    plain = {"bool": pa.bool_(), "int16": pa.int16(), "float32": pa.float32()}[base]
    if rows == "segment":
        values = [values]
    if kind.startswith("list<"):
        return pa.array([np.asarray(row, base) for row in values], pa.list_(plain))
    if width:
        flat = pa.array(np.asarray(values, base).ravel(), plain, from_pandas=True)
        return pa.FixedSizeListArray.from_arrays(flat, int(width[1]))
    return pa.array(np.asarray(values, base), plain, from_pandas=True)


def facts(declared: Layer, table: Mapping[str, Any]) -> dict[str, Any]:
    """Every fact of a segment of 0.4 s, as the catalog asks for it."""
    connection = duckdb.connect()
    connection.execute(
        "CREATE MACRO count_starts(place, flag) AS "
        "len(regexp_extract_all(string_agg(CASE WHEN flag THEN '1' ELSE '0' END, '' ORDER BY place), '1+'))"
    )
    connection.register("rows", arrow(declared, table))
    bound = {name: sql.replace("count_starts(", "count_starts(_row, ") for name, sql in declared.facts.items()}
    asked = ", ".join(f'{sql} AS "{name}"' for name, sql in bound.items())
    found = connection.execute(
        f"SELECT {asked} FROM (SELECT *, 0.4 AS duration_seconds FROM rows) GROUP BY duration_seconds"
    )
    return dict(zip(declared.facts, found.fetchone() or (), strict=True))


@pytest.mark.parametrize("declared", LAYERS, ids=lambda each: each.name)
def test_columns_are_those_declared(declared: Layer, seen: Tables, nothing: Tables) -> None:
    for tables in (seen, nothing):
        assert set(tables[declared.name]) == set(declared.columns)
        assert arrow(declared, tables[declared.name]).num_rows == {"frame": 10, "segment": 1}.get(
            declared.rows, {"voice_activity": 13, "mel": 32}.get(declared.name)
        )


@pytest.mark.parametrize("declared", LAYERS, ids=lambda each: each.name)
def test_every_fact_has_a_value_for_a_usual_segment(declared: Layer, seen: Tables) -> None:
    values = facts(declared, seen[declared.name])
    assert declared.facts
    assert all(value is not None and np.isfinite(float(value)) for value in values.values()), values
    assert all(0 <= value <= 1 for name, value in values.items() if name.endswith("_share")), values


@pytest.mark.parametrize("declared", LAYERS, ids=lambda each: each.name)
def test_a_black_silent_segment_has_facts_too(declared: Layer, nothing: Tables) -> None:
    values = facts(declared, nothing[declared.name])
    assert not any(isinstance(value, float) and not np.isfinite(value) for value in values.values()), values


def test_facts_say_what_is_not_there(seen: Tables, nothing: Tables) -> None:
    here, absent = (facts(face_boxes, tables["face_boxes"]) for tables in (seen, nothing))
    assert (here["face_share"], here["no_face_share"], here["max_faces"]) == (1, 0, 1)
    assert (absent["face_share"], absent["no_face_share"], absent["max_faces"]) == (0, 1, 0)
    assert absent["width_px_median"] is None
    assert facts(face_landmarks, nothing["face_landmarks"])["seen_share"] == 0
    silent = facts(loudness, nothing["loudness"])
    assert (silent["integrated_lufs"], silent["silent_share"], silent["clipped_share"]) == (-70, 1, 0)
    assert facts(luminance, nothing["luminance"])["dark_share_mean"] == 1


def test_blinks_a_minute() -> None:
    flags = np.array([0, 1, 1, 0, 0, 1, 0, 0, 0, 1], bool)
    table = {"eye_openness": np.full(10, 0.2), "is_closed": flags, "is_blink": flags}
    found = facts(blink, table)
    assert found["blinks_per_minute"] == pytest.approx(60 * 3 / 0.4)
    assert found["is_blinking"] is True


def test_the_same_input_gives_the_same_bytes(seen: Tables) -> None:
    again = all_tables(scene((400, 150, 1.2)), np.random.default_rng(0).normal(0, 0.1, 19_200).astype(np.float32))
    for declared in LAYERS:
        assert arrow(declared, again[declared.name]).equals(arrow(declared, seen[declared.name])), declared.name


def test_every_file_of_the_folder_is_one_layer_of_its_name() -> None:
    names = {path.stem for path in FILES if not path.stem.startswith("_")}
    assert names == {each.name for each in LAYERS}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_layer_can_be_read_at_a_glance(path: Path) -> None:
    assert len(path.read_text().splitlines()) < 80


def test_layers_name_the_models_that_they_run() -> None:
    for each in LAYERS:
        assert set(each.models) <= set(registry()), each.name
    assert {name for each in LAYERS for name in each.models} == set(registry())


def test_the_ten_lines_of_a_simple_layer() -> None:
    @layer(reads="face_landmarks", columns={"is_odd": "bool"}, facts={"odd_share": "avg(is_odd::INTEGER)"})
    def odd(face_landmarks: Any, *, every: int = 2) -> dict[str, Any]:
        """Whether a frame's number is odd."""
        return {"is_odd": np.arange(len(face_landmarks["presence"])) % every == 1}

    assert facts(odd, odd({"presence": np.ones(10)}))["odd_share"] == 0.5
