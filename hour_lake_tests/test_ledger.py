"""The ledger: what is fresh, stale, failed or blocked, and why; decided from a lake alone, with toy steps."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hour_lake.errors import MediaError, SourceError
from hour_lake.identity import Segment
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.ledger import paths
from hour_lake.ledger.check import Check, check_all
from hour_lake.ledger.entries import Ledger
from hour_lake.ledger.landing import Product, stage
from hour_lake.ledger.ranges import within
from hour_lake.ledger.recipe import step_parts
from hour_lake.ledger.steps import Step
from hour_lake.media.plan import Stretch
from hour_lake.settings import SegmentRules

BOB = Segment("bob", 0, 3000)


def step(name: str, reads: tuple[str, ...], *, code: str = "1", needs_all: bool = True, **config: object) -> Step:
    parts = step_parts(source={name: code}, config=config)
    return Step(name, reads, lambda segment: paths.layer_path(name, segment), parts, needs_all=needs_all)


BOXES, MESH, BLINK, LIGHT = (
    step("boxes", ("frames",)),
    step("mesh", ("boxes",)),
    step("blink", ("mesh",)),
    step("light", ("frames",)),
)
STEPS = [BOXES, LIGHT, MESH, BLINK]


@pytest.fixture
def lake(tmp_path: Path) -> EmbeddedLake:
    lake = EmbeddedLake.open(tmp_path / "lake")
    with lake.transaction("main", {}) as transaction:
        transaction.put(paths.clip_path(BOB), b"a clip")
    return lake


def states(lake: EmbeddedLake, steps: list[Step], **options: bool) -> dict[str, tuple[str, str]]:
    found = check_all(steps, [BOB], Ledger(lake, lake.resolve("main")), **options)
    return {c.step.name: (c.state, c.why) for c in found}


def make(lake: EmbeddedLake, steps: list[Step], made: dict[str, object]) -> None:
    products = {
        n: m if isinstance(m, Exception) else Product({paths.layer_path(n, BOB): str(m).encode()})
        for n, m in made.items()
    }
    with lake.transaction("main", {}) as transaction:
        stage(transaction, steps, BOB, products, Ledger(lake, lake.resolve("main")))  # pyright: ignore[reportArgumentType]


ALL = {"boxes": 1, "light": 1, "mesh": 1, "blink": 1}


def test_everything_is_to_do_then_nothing(lake: EmbeddedLake) -> None:
    assert {state for state, _ in states(lake, STEPS).values()} == {"missing"}
    make(lake, STEPS, ALL)
    assert {state for state, _ in states(lake, STEPS).values()} == {"fresh"}
    assert {state for state, _ in states(lake, STEPS, refresh=True).values()} == {"stale"}


def test_what_a_step_tells_of_its_table_is_kept_with_it_and_makes_nothing_stale(lake: EmbeddedLake) -> None:
    make(lake, STEPS, ALL)
    told = {"lists": '["pixels"]'}
    assert {state for state, _ in states(lake, [replace(one, told=told) for one in STEPS]).values()} == {"fresh"}
    make(lake, [replace(LIGHT, told=told)], {"light": 2})
    entry = lake.entry("main", paths.layer_path("light", BOB))
    assert entry is not None and entry.metadata["lists"] == told["lists"] and entry.metadata["fingerprint"]


def test_changed_code_makes_a_step_stale_and_what_reads_it(lake: EmbeddedLake) -> None:
    make(lake, STEPS, ALL)
    found = states(lake, [BOXES, LIGHT, step("mesh", ("boxes",), code="2"), BLINK])
    assert found["mesh"] == ("stale", "the code of mesh changed")
    assert found["blink"] == ("stale", "its input mesh is made anew")
    assert found["boxes"][0] == found["light"][0] == "fresh"


def test_changed_configuration_is_told_with_both_values(lake: EmbeddedLake) -> None:
    make(lake, [step("light", ("frames",), width=320)], {"light": 1})
    assert states(lake, [step("light", ("frames",), width=640)])["light"] == ("stale", "width changed: 320 -> 640")


def test_an_input_that_came_out_the_same_makes_nothing_stale(lake: EmbeddedLake) -> None:
    make(lake, STEPS, ALL)
    make(lake, STEPS, {"boxes": 1})  # made again, the same bytes
    assert {state for state, _ in states(lake, STEPS).values()} == {"fresh"}
    make(lake, STEPS, {"boxes": 2})
    assert states(lake, STEPS)["mesh"] == ("stale", "boxes changed")


def test_a_failure_that_repeats_waits_for_a_change_and_blocks_only_its_readers(lake: EmbeddedLake) -> None:
    make(lake, STEPS, ALL)
    make(lake, STEPS, {"mesh": MediaError("CORRUPT", "broken"), "light": 2})
    found = states(lake, STEPS)
    assert found["mesh"] == ("failed", "CORRUPT")
    assert found["blink"][0] == "blocked"
    assert found["boxes"][0] == found["light"][0] == "fresh"
    assert (
        lake.entry("main", paths.layer_path("mesh", BOB)) is None
    )  # what it had made no longer follows from its inputs
    mended = states(lake, [BOXES, LIGHT, step("mesh", ("boxes",), code="2"), BLINK])
    assert mended["mesh"] == ("missing", "something changed since it failed")
    assert mended["blink"][0] in ("missing", "stale")
    make(lake, STEPS, {"mesh": 1})
    assert not list(lake.entries("main", "quarantine/"))


def test_a_failure_that_may_pass_leaves_everything_as_it_was(lake: EmbeddedLake) -> None:
    make(lake, STEPS, ALL)
    before = lake.resolve("main")
    make(lake, STEPS, {"boxes": SourceError("SOURCE_UNAVAILABLE", "no answer")})
    assert lake.resolve("main") == before


def test_a_step_that_copes_with_missing_inputs_is_never_blocked(lake: EmbeddedLake) -> None:
    flags = step("flags", ("light", "loudness"), needs_all=False)
    assert states(lake, [LIGHT, flags])["flags"][0] == "missing"
    make(lake, [LIGHT, flags], {"light": 1, "flags": 1})
    assert states(lake, [LIGHT, flags])["flags"][0] == "fresh"
    make(lake, [LIGHT, flags], {"light": 2})
    assert states(lake, [LIGHT, flags])["flags"] == ("stale", "light changed")


def test_checks_come_in_the_order_of_the_steps(lake: EmbeddedLake) -> None:
    other = Segment("bob", 3000, 6000)
    found: list[Check] = list(check_all(STEPS, [BOB, other], Ledger(lake, lake.resolve("main"))))
    assert [(c.segment, c.step.name) for c in found] == [(s, x.name) for s in (BOB, other) for x in STEPS]
    assert {c.state for c in found if c.segment == other} == {"blocked"}  # it has no clip


STRETCHES = [Stretch(0, 1000, False, "pause"), Stretch(1000, 9000, True, None), Stretch(9000, 9960, False, "tail")]


@given(st.floats(0, 12) | st.none(), st.floats(0, 12) | st.none())
def test_a_range_cuts_a_plan_without_gap_or_overlap(start: float | None, stop: float | None) -> None:
    found = within(STRETCHES, start, stop, SegmentRules())
    assert found[0].start_ms == 0 and found[-1].stop_ms == 9960
    assert all(a.stop_ms == b.start_ms for a, b in zip(found, found[1:], strict=False))
    assert all(s.start_ms < s.stop_ms and s.start_ms % 40 == 0 for s in found)
    assert all(s.segment == (s.reason is None) for s in found)
    for piece in found:
        if piece.segment:
            assert piece.stop_ms - piece.start_ms >= 3000
            assert start is None or piece.start_ms >= start * 1000
            assert stop is None or piece.stop_ms <= stop * 1000


def test_without_a_range_a_plan_is_what_it_was() -> None:
    assert within(STRETCHES, None, None, SegmentRules()) == STRETCHES
