"""Choosing segments: the best choice that keeps every rule, the same each time; or the rules that stand in the way."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.datasets.candidates import Candidates
from hour_lake.datasets.choose import Chooser, split_groups
from hour_lake.datasets.conflict import conflict_of
from hour_lake.datasets.spec import DatasetSpec, parse_spec
from hour_lake.errors import DatasetError


def candidates(count: int, *, seconds: list[int] | None = None, **columns) -> Candidates:
    lengths = seconds or [4] * count
    starts = np.cumsum([0, *lengths])[:-1] * 1000
    ids = [f"ann_{start:08d}_{start + 1000 * s:08d}" for start, s in zip(starts.tolist(), lengths, strict=True)]
    known = {"segment_id": ids, "start_ms": starts.tolist(),
             "stop_ms": [a + 1000 * s for a, s in zip(starts.tolist(), lengths, strict=True)]}  # fmt: skip
    return Candidates({**known, **columns}, "c0ffee", {}, {})


def spec(**fields) -> DatasetSpec:
    return DatasetSpec.model_validate({"name": "toy", "size": {"segments": {"max": 3}}, **fields})


def chosen(wanted: DatasetSpec, pool: Candidates) -> list[int]:
    choice = Chooser(wanted, pool).best()
    assert choice is not None
    return np.flatnonzero(choice.chosen).tolist()


def test_the_most_of_an_objective_within_a_size():
    pool = candidates(5, _objective=[1.0, 5.0, 3.0, 4.0, -2.0])
    assert chosen(spec(objective={"maximise": "x"}), pool) == [1, 2, 3]
    assert chosen(spec(objective={"minimise": "x"}, size={"segments": {"min": 2, "max": 3}}), pool) == [0, 4]


def test_of_equal_candidates_the_first_ids_are_taken():
    assert chosen(spec(), candidates(9)) == [0, 1, 2]
    assert chosen(spec(objective={"maximise": "x"}), candidates(9, _objective=[1.0] * 9)) == [0, 1, 2]


def test_a_size_in_seconds_is_exact():
    pool = candidates(4, seconds=[3, 4, 5, 6])
    assert sum([3, 4, 5, 6][i] for i in chosen(spec(size={"seconds": {"max": 14.99}}), pool)) == 14
    assert sum([3, 4, 5, 6][i] for i in chosen(spec(size={"seconds": {"min": 12, "max": 12}}), pool)) == 12


@pytest.mark.parametrize(
    ("constraint", "columns", "expected"),
    [
        ({"where": "p", "at_least": {"count": 2}}, {"_c_c": [False, False, True, True]}, [0, 2, 3]),
        ({"where": "p", "at_most": {"count": 1}}, {"_c_c": [True, True, False, True]}, [0, 2]),
        ({"where": "p", "at_most": {"share": 0.5}}, {"_c_c": [True, True, False, True]}, [0, 2]),
        ({"where": "p", "at_most": {"seconds": 4}}, {"_c_c": [True, True, False, False]}, [0, 2, 3]),
        ({"where": "p", "at_least": {"share": 1.0}}, {"_c_c": [True, False, False, True]}, [0, 3]),
        ({"per": "video", "at_most": {"count": 1}}, {"_c_c": ["a", "a", "b", None]}, [0, 2, 3]),
        ({"per": "video", "at_most": {"seconds": 8}}, {"_c_c": ["a", "a", "a", "b"]}, [0, 1, 3]),
        ({"balance": "speaker", "tolerance": 0.0}, {"_c_c": ["a", "a", "a", "b"]}, [0, 3]),
        ({"balance": "speaker", "tolerance": 0.4}, {"_c_c": ["a", "a", "a", "b"]}, [0, 1, 3]),
    ],
)
def test_each_kind_of_constraint(constraint, columns, expected):
    assert chosen(spec(constraints=[{"name": "c", **constraint}]), candidates(4, **columns)) == expected


COLUMN = st.lists(st.booleans(), min_size=6, max_size=6)


@settings(max_examples=40, deadline=None)
@given(
    worth=st.lists(st.integers(-3, 3), min_size=6, max_size=6),
    lengths=st.lists(st.integers(3, 6), min_size=6, max_size=6),
    p=COLUMN, who=st.lists(st.sampled_from("ab"), min_size=6, max_size=6),
    least=st.sampled_from([{"share": 0.5}, {"count": 2}, {"seconds": 9.5}]),
    most=st.sampled_from([{"share": 0.75}, {"count": 3}, {"seconds": 14}]),
    size=st.sampled_from([{"segments": {"min": 3, "max": 5}}, {"seconds": {"min": 12, "max": 20}}]),
)  # fmt: skip
def test_no_choice_is_better_and_none_is_missed(worth, lengths, p, who, least, most, size):
    wanted = spec(
        size=size, objective={"maximise": "x"},
        constraints=[{"name": "p", "where": "p", "at_least": least, "at_most": most},
                     {"name": "who", "per": "who", "at_most": {"count": 3}}],
    )  # fmt: skip
    pool = candidates(6, seconds=lengths, _objective=[float(w) for w in worth], _c_p=p, _c_who=who)
    chooser = Chooser(wanted, pool)
    masks = [np.array(bits, bool) for bits in product((0, 1), repeat=6)]
    values = [int(np.dot(mask, worth)) for mask in masks if all(rule.holds(mask) for rule in chooser.rules)]
    best = chooser.best()
    assert (best is None) == (not values)
    if best is not None:
        assert best.objective == max(values)
        assert chooser.best() is not None and np.array_equal(chooser.best().chosen, best.chosen)


def test_a_program_of_many_candidates_keeps_its_rules():
    generator = np.random.default_rng(3)
    count = 3000
    pool = candidates(
        count, seconds=generator.integers(3, 15, count).tolist(), _objective=generator.random(count).tolist(),
        _c_blink=(generator.random(count) < 0.2).tolist(), _c_video=[f"v{i // 10}" for i in range(count)],
    )  # fmt: skip
    wanted = spec(
        size={"seconds": {"max": 3600}}, objective={"maximise": "x"},
        constraints=[{"name": "blink", "where": "b", "at_least": {"share": 0.5}},
                     {"name": "video", "per": "video_id", "at_most": {"count": 4}}],
    )  # fmt: skip
    chooser = Chooser(wanted, pool)
    best = chooser.best()
    assert best is not None and all(rule.holds(best.chosen) for rule in chooser.rules)
    assert chooser.rules[0].achieved(best.chosen) > 3590


@pytest.mark.parametrize(
    ("sizes", "shares", "expected"),
    [
        ({"a": 8, "b": 2}, {"train": 0.8, "test": 0.2}, {"a": "train", "b": "test"}),
        ({"a": 2, "b": 8}, {"train": 0.8, "test": 0.2}, {"a": "test", "b": "train"}),
        ({"a": 5, "b": 4, "c": 1}, {"train": 0.6, "test": 0.4}, {"a": "train", "b": "test", "c": "train"}),
        ({"a": 1, "b": 1}, {"train": 0.9, "test": 0.1}, {"a": "train", "b": "test"}),
    ],
)
def test_the_split_comes_as_near_its_shares_as_groups_allow(sizes, shares, expected):
    assert split_groups(sizes, shares) == expected


@settings(max_examples=25, deadline=None)
@given(who=st.lists(st.sampled_from(["a", "b", "c", None]), min_size=8, max_size=8))
def test_a_group_is_never_in_two_parts_and_no_part_is_empty(who):
    shares = {"train": 0.7, "test": 0.3}
    wanted = spec(size={"segments": {"min": 2, "max": 6}}, split={"by": "speaker", "shares": shares})
    chooser = Chooser(wanted, candidates(8, _group=who))
    choice = chooser.best()
    assert (choice is None) == (len(set(who)) < 2)
    if choice is not None:
        pairs = set(zip([who[i] for i in np.flatnonzero(choice.chosen)], choice.parts, strict=True))
        assert len(pairs) == len({group for group, _ in pairs})
        assert {part for _, part in pairs} == {"train", "test"}


def conflict(wanted: DatasetSpec, pool: Candidates) -> DatasetError:
    chooser = Chooser(wanted, pool)
    assert chooser.best() is None
    return conflict_of(chooser)


def test_the_demands_in_the_way_are_named_and_by_how_much():
    constraints = [
        {"name": "blinks", "where": "blinks > 3", "at_least": {"count": 20}},
        {"name": "dark", "where": "dark", "at_most": {"count": 1}},
        {"name": "harmless", "per": "video_id", "at_most": {"count": 50}},
    ]
    blinks, dark = [True] * 12 + [False] * 18, [True] * 2 + [False] * 28
    pool = candidates(30, _c_blinks=blinks, _c_dark=dark, _c_harmless=["v"] * 30)
    error = conflict(spec(size={"segments": {"min": 5, "max": 25}}, constraints=constraints), pool)
    assert (error.code, error.value) == ("DATASET_INFEASIBLE", "blinks.at_least")
    assert "at least 20 segments where blinks > 3; with the others the nearest is 12 segments" in str(error)
    assert "(12 segments exist)" in str(error)


def test_demands_that_only_together_cannot_hold_are_all_named():
    constraints = [{"name": "blinks", "where": "b", "at_least": {"share": 0.5}},
                   {"name": "calm", "where": "c", "at_least": {"share": 0.6}}]  # fmt: skip
    pool = candidates(10, _c_blinks=[True] * 5 + [False] * 5, _c_calm=[False] * 5 + [True] * 5)
    error = conflict(spec(size={"segments": {"min": 4, "max": 8}}, constraints=constraints), pool)
    assert error.value == "size.segments.min, blinks.at_least, calm.at_least"
    assert "at least 50 % where b; with the others the nearest is 40 %" in error.message
    relaxed = [{**constraints[0], "at_least": {"share": 0.4}}, constraints[1]]
    assert chosen(spec(size={"segments": {"min": 4, "max": 8}}, constraints=relaxed), pool)


def test_too_few_groups_for_the_split_is_a_conflict():
    pool = candidates(4, _group=["ann"] * 4)
    error = conflict(spec(split={"by": "speaker", "shares": {"train": 0.5, "test": 0.5}}), pool)
    assert error.value == "split" and "2 parts need 2 values of speaker; the candidates have 1" in error.message


GOOD = "name: toy\nsize: {segments: {min: 1, max: 5}}\n"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("size: {segments: {max: 5}}", "name"),
        ("name: Toy\nsize: {segments: {max: 5}}", "name"),
        ("name: toy\nsize: {segments: {min: 6, max: 5}}", "above"),
        ("name: toy\nsize: {}", "seconds"),
        (GOOD + "wher: 'true'", "did you mean 'where'"),
        (GOOD + "where: 'a >'", "where"),
        (GOOD + "where: (select 1)", "subquery"),
        (GOOD + "constraints: [{name: a, where: x}]", "at_most"),
        (GOOD + "constraints: [{name: a, where: x, per: y, at_most: {count: 1}}]", "exactly one"),
        (GOOD + "constraints: [{name: a, where: x, at_most: {count: 1, share: 0.5}}]", "exactly one"),
        (GOOD + "constraints: [{name: a, where: x, at_most: {share: 1.5}}]", "share"),
        (GOOD + "constraints: [{name: size, where: x, at_most: {count: 1}}]", "differ"),
        (GOOD + "constraints: [{name: a, balance: x, at_most: {count: 1}}]", "tolerance"),
        (GOOD + "split: {by: speaker, shares: {train: 0.5, test: 0.4}}", "sum to 1"),
        (GOOD + "objective: {maximise: a, minimise: b}", "exactly one"),
        (GOOD + "objective: !!python/name:os.system", "makes objects"),
        ("[]", "mapping"),
    ],
)
def test_a_wrong_specification_says_what_is_wrong(text, word):
    assert parse_spec(GOOD.encode(), where="toy.yaml").size.unit == "segments"
    with pytest.raises(DatasetError) as caught:
        parse_spec(text.encode(), where="toy.yaml")
    assert caught.value.code == "DATASET_SPEC" and word in str(caught.value)
