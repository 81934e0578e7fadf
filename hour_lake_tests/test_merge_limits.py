"""Merges under limits: the grammar, what is measured, what is refused, and that check and merge are about one thing."""

import pytest

from hour_lake.catalog.compact import is_current
from hour_lake.comparison.limits import Known, measure, parse_limit
from hour_lake.comparison.trial import merge_within
from hour_lake.errors import ConfigError, LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import LAYERS, compact_into, fill, put_layer, put_segment, segments
from hour_lake_tests.test_catalog_views import facts
from hour_lake_tests.test_comparison import GATES, LIT, brighten, compared, publish_spec

KNOWN = Known(["lit", "eyes_open"], ["luminance", "blink"], ["blink.closed_share"], ["talks", "talks@v1"])


@pytest.fixture
def lake(tmp_path):
    return EmbeddedLake.open(tmp_path / "lake")


def merged(lake, *limits, source="exp", into="main", **options):
    return merge_within(lake, source, into, limits=limits, layers=LAYERS, gates=GATES, **options)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("flips(lit) <= 2%", "flips(lit) <= 2%"),
        ("  flips( )<2 %", "flips() < 2%"),
        ("changed(luminance) <= 100", "changed(luminance) <= 100"),
        ("shift(blink.closed_share)<.1", "shift(blink.closed_share) < 0.1"),
        ("disqualified(talks@v1) <= 0", "disqualified(talks@v1) <= 0"),
    ],
)
def test_limits_that_are_understood(text, shown):
    assert str(parse_limit(text, KNOWN)) == shown


@pytest.mark.parametrize(
    ("text", "code", "fix"),
    [
        ("flips(lit) => 2%", "LIMIT_SYNTAX", "flips(eyes_open) <= 2%"),
        ("flips(lit) <= -1", "LIMIT_SYNTAX", "write it like"),
        ("flips(lit) <= 2% and flips() <= 1", "LIMIT_SYNTAX", "write it like"),
        ("", "LIMIT_SYNTAX", "write it like"),
        ("flip(lit) <= 1", "LIMIT_UNKNOWN", "'flips'"),
        ("flips(eyes_opn) <= 1", "LIMIT_UNKNOWN", "'eyes_open'"),
        ("changed(blnk) <= 1", "LIMIT_UNKNOWN", "'blink'"),
        ("shift() <= 1", "LIMIT_UNKNOWN", "blink.closed_share"),
        ("shift(blink.closed_shar) <= 1", "LIMIT_UNKNOWN", "'blink.closed_share'"),
        ("disqualified(talk) <= 1", "LIMIT_UNKNOWN", "'talks'"),
    ],
)
def test_limits_that_are_not(text, code, fix):
    with pytest.raises(ConfigError) as caught:
        parse_limit(text, KNOWN)
    assert caught.value.code == code and fix in (caught.value.fix or "") and caught.value.value == text


@pytest.mark.parametrize(
    ("text", "value", "of", "holds"),
    [
        ("flips(lit) <= 3", 3, 20, True),
        ("flips(lit) < 3", 3, 20, False),
        ("flips(lit) <= 15%", 3, 20, True),  # of the 20 segments
        ("flips(lit) < 15%", 3, 20, False),
        ("flips(lit) <= 14.9%", 3, 20, False),
        ("flips(blinks) <= 0", 0, 20, True),
        ("flips() <= 3", 3, 20, True),
        ("changed(luminance) <= 2", 3, 20, False),
        ("changed(blink) <= 0", 0, 20, True),
        ("changed() <= 3", 3, 20, True),
        ("shift(luminance.mean) <= 0.15", 0.15, 1, True),
        ("shift(luminance.mean) <= 14%", 0.15, 1, False),
        ("shift(blink.rows) <= 0", 0.0, 1, True),
        ("disqualified(talks) <= 2", 3, 16, False),
        ("disqualified() <= 25%", 3, 16, True),
        ("disqualified(talks@v1) <= 3", 3, 16, True),
    ],
)
def test_what_a_limit_comes_to(lake, text, value, of, holds):
    made = fill(lake)
    publish_spec(lake, "name: talks\nsize: {segments: {min: 1}}\nwhere: luminance.mean BETWEEN 50 AND 130\n")
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    known = Known(["lit", "blinks"], list(LAYERS), ["luminance.mean", "blink.rows"], ["talks", "talks@v1"])
    found = measure(parse_limit(text, known), compared(lake))
    assert (found.value, found.of, found.holds) == (pytest.approx(value), of, holds)


def test_a_refused_merge_tells_the_numbers_and_leaves_everything_as_it_was(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    before = dict(lake.branches())
    found = merged(lake, "flips(lit) <= 10%", "changed(blink) <= 0")
    assert found.state == "refused" and [each.holds for each in found.limits] == [False, True]
    with pytest.raises(LakeError) as caught:
        found.check()
    assert caught.value.code == "MERGE_REFUSED" and "flips(lit) <= 10%: 3 of 20 (15 %)" in caught.value.message
    assert lake.branches() == before


def test_a_merge_within_its_limits_keeps_the_numbers_in_its_commit(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    found = merged(lake, "flips(lit) <= 15%")
    assert found.state == "merged" and lake.resolve("main") == found.commit
    commit = next(lake.log("main"))
    assert commit.metadata["limits"] == "flips(lit) <= 15%: 3 of 20 (15 %)" and commit.message == "merge exp into main"
    assert set(lake.branches()) == {"main", "exp"}
    again = merged(lake, "flips(lit) <= 0")
    assert (again.state, again.commit) == ("up to date", found.commit)
    assert merged(lake).state == "up to date"


def test_a_dry_run_shows_what_the_merge_would_change_not_what_the_target_gained(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", [made[2]])
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segments("zoe", 1)[0], mean=100.0, blinks=[True])
    head = lake.resolve("main")
    found = merged(lake, dry_run=True)
    assert found.state == "dry run" and lake.resolve("main") == head and found.comparison is not None
    assert not found.comparison.segments_vanished  # `diff main exp` would say that zoe vanished
    assert [(x.layer, x.differing) for x in found.comparison.layers] == [("luminance", 1)]


def test_a_conflict_is_told_before_anything_is_measured(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", [made[2]], to=150.0)
    brighten(lake, "main", [made[2]], to=10.0)
    before = dict(lake.branches())
    for options in ({}, {"dry_run": True}):
        with pytest.raises(LakeError) as caught:
            merged(lake, "flips() <= 0", **options)
        assert caught.value.code == "MERGE_CONFLICT" and made[2].id in caught.value.message
    assert lake.branches() == before


class Moving(EmbeddedLake):
    """Somebody else commits to main as soon as a trial is over."""

    def delete_branch(self, name):
        super().delete_branch(name)
        if name.startswith("_trial"):
            with self.transaction("main", {}) as tx:
                put_segment(tx, segments("zoe", 1)[0], mean=10.0)


def test_a_target_that_moves_between_the_trial_and_the_merge_is_a_conflict(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    moving = Moving(lake.folder)
    with pytest.raises(LakeError) as caught:
        merged(moving, "flips(lit) <= 15%")
    assert caught.value.code == "CONFLICT"
    assert len(next(lake.log("main")).parents) == 1  # what the other one wrote, and no merge


def test_a_source_that_moves_meanwhile_is_merged_as_it_was_measured(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    measured = lake.resolve("exp")

    class Growing(EmbeddedLake):
        def delete_branch(self, name):
            super().delete_branch(name)
            brighten(self, "exp", made)

    found = merged(Growing(lake.folder), "flips(lit) <= 15%")
    assert next(lake.log(found.commit)).parents[1] == measured


def test_only_a_branch_can_be_merged_into(lake):
    fill(lake)
    with pytest.raises(LakeError) as caught:
        merged(lake, source="main", into="mian")
    assert caught.value.code == "REF_NOT_FOUND" and "'main'" in (caught.value.fix or "")


def test_facts_are_right_after_a_merge_of_two_compacted_branches_and_the_catalog_says_that_it_is_stale(lake):
    made = fill(lake)
    compact_into(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    compact_into(lake, branch="exp")
    with lake.transaction("main", {}) as tx:
        put_layer(tx, "blink", made[7], is_blink=[True, False, True])
        put_segment(tx, segments("zoe", 1)[0], mean=60.0, blinks=[True])
    compact_into(lake)
    assert is_current(lake, "main") and is_current(lake, "exp")
    merged(lake, "changed(luminance) <= 3")
    assert not is_current(lake, "main")
    after = {row["segment_id"]: row for row in facts(lake)}
    assert [after[s.id]["luminance"]["mean"] for s in made[2:5]] == [150.0] * 3
    assert after[made[7].id]["blink"]["blinks_per_minute"] == 30.0
    assert after[segments("zoe", 1)[0].id]["luminance"]["mean"] == 60.0
    compact_into(lake)
    assert is_current(lake, "main") and {r["segment_id"]: r for r in facts(lake)} == after


def test_a_merge_that_only_moves_the_branch_on_keeps_its_compacted_tables(lake):
    made = fill(lake)
    compact_into(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    compact_into(lake, branch="exp")
    merged(lake)
    assert is_current(lake, "main")
    assert compared(lake, "exp", "main").is_empty


def test_gates_of_a_limit_are_those_in_force(lake):
    made = fill(lake)
    lake.create_branch("exp", "main")
    brighten(lake, "exp", made[2:5])
    found = merge_within(lake, "exp", "main", limits=["flips() <= 0"], layers=LAYERS, gates=[LIT])
    assert found.state == "refused"
    with pytest.raises(ConfigError):
        merge_within(lake, "exp", "main", limits=["flips(blinks) <= 0"], layers=LAYERS, gates=[LIT])
