"""The tree: depends only on what is in it, shares what did not change, and reads no more than it must."""

import random
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hour_lake.errors import LakeError
from hour_lake.lake.database import Database
from hour_lake.lake.diff import differences
from hour_lake.lake.embedded import store_of
from hour_lake.lake.node import DIGEST_BYTES, LEAF_VALUE_BYTES, Item, decode, encode, shared
from hour_lake.lake.nodes import EMPTY, Nodes, Ref
from hour_lake.lake.objects import Objects
from hour_lake.lake.rewrite import rewrite
from hour_lake.lake.tree import find, scan

KEYS = st.binary(min_size=1, max_size=300) | st.text("ab/_0.", min_size=1, max_size=12).map(str.encode)
ENTRIES = st.dictionaries(KEYS, st.integers(0, 3), max_size=150)
EDITS = st.dictionaries(KEYS, st.integers(0, 3) | st.none(), max_size=40)


def new_nodes(folder: Path) -> Nodes:
    Database.create(folder / "nodes.sqlite3", lambda _: None, drafts=folder)
    return store_of(Database(folder / "nodes.sqlite3"), Objects(folder)).nodes


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Nodes:
    return new_nodes(tmp_path_factory.mktemp("nodes"))


def item(key: bytes, value: int = 0) -> Item:
    return Item(key, value.to_bytes(LEAF_VALUE_BYTES, "little"), value)


def tree(nodes: Nodes, content: Mapping[bytes, int], root: Ref = EMPTY) -> Ref:
    return rewrite(nodes, root, [(key, item(key, content[key])) for key in sorted(content)]) if content else root


def path(number: int) -> bytes:
    video, start = f"video_{number // 40:05d}", number % 40 * 6000
    return f"layers/blink/{video}/{video}_{start:08d}_{start + 6000:08d}.parquet".encode()


def nodes_read(nodes: Nodes, action) -> int:
    """How many nodes an action reads from the database."""
    fresh, read = Nodes(nodes.database), 0
    one_read = fresh._read

    def counting(refs):
        nonlocal read
        read += len(refs)
        return one_read(refs)

    fresh._read = counting
    action(fresh)
    return read


def nodes_written(nodes: Nodes) -> int:
    return nodes.database.rows("SELECT count(*) FROM node")[0][0]


@given(st.sets(KEYS, min_size=1, max_size=60), st.integers(0, 3), st.booleans())
@settings(deadline=None)
def test_a_node_is_read_as_it_was_written(keys: set[bytes], level: int, far: bool) -> None:
    width = DIGEST_BYTES if level else LEAF_VALUE_BYTES
    items = [Item(key, bytes([n % 256]) * width, n + far * 2**40) for n, key in enumerate(sorted(keys))]
    node = decode(*encode(level, items))
    assert (node.level, node.items()) == (level, items)


@pytest.mark.parametrize(
    ("before", "key", "expected"),
    [(b"", b"abc", (0, 0)), (b"abc", b"abc", (3, 0)), (b"abc", b"abd", (2, 0)), (b"a1.parquet", b"a2.parquet", (1, 8)),
     (b"aa", b"aaa", (2, 0)), (b"aaa", b"aa", (2, 0)), (b"x" * 600 + b"1", b"x" * 600 + b"2", (255, 0)),
     (b"\x00a", b"\x00b", (1, 0)), (b"1" + b"y" * 600, b"2" + b"y" * 600, (0, 255))],
)  # fmt: skip
def test_what_two_keys_share(before: bytes, key: bytes, expected: tuple[int, int]) -> None:
    assert shared(before, key) == expected


@given(st.dictionaries(KEYS, st.integers(0, 9), max_size=120), st.data())
@settings(deadline=None, max_examples=60)
def test_the_same_entries_have_the_same_root_whatever_came_before(
    nodes: Nodes, content: dict[bytes, int], data: st.DataObject
) -> None:
    at_once = tree(nodes, content)
    others = data.draw(st.dictionaries(KEYS, st.integers(0, 9), max_size=60))
    root = tree(nodes, others)
    order = data.draw(st.permutations(sorted(content)))
    for start in range(0, len(order), 25):
        root = tree(nodes, {key: content[key] for key in order[start : start + 25]}, root)
    gone = sorted(others.keys() - content.keys())
    if gone:
        root = rewrite(nodes, root, [(key, None) for key in gone])
    assert root.digest == at_once.digest
    assert [(i.key, i.hint) for i in scan(nodes, root, b"")] == sorted(content.items())


@given(ENTRIES, EDITS, KEYS)
@settings(deadline=None, max_examples=60)
def test_reading_agrees_with_a_dict(
    nodes: Nodes, before: dict[bytes, int], edits: dict[bytes, int | None], probe: bytes
) -> None:
    old = tree(nodes, before)
    listed = [(key, None if value is None else item(key, value)) for key, value in sorted(edits.items())]
    new = rewrite(nodes, old, listed) if listed else old
    after = {key: value for key, value in {**before, **edits}.items() if value is not None}
    prefix = probe[: len(probe) // 2]
    assert {i.key: i.hint for i in scan(nodes, new, prefix)} == {k: v for k, v in after.items() if k.startswith(prefix)}
    asked = sorted({probe, *list(before)[:20], *edits})
    assert {k: i.hint for k, i in find(nodes, new, asked).items()} == {k: after[k] for k in asked if k in after}
    changed = sorted(k for k in {*before, *after} if k.startswith(prefix) and before.get(k) != after.get(k))
    assert [(old_item or new_item).key for old_item, new_item in differences(nodes, old, new, prefix)] == changed  # pyright: ignore


def test_cost_follows_the_change_and_not_the_lake(tmp_path: Path) -> None:
    """A tree of 20,000 entries against one of 1,000: one change, one look-up and one listing touch a few nodes more."""
    nodes = new_nodes(tmp_path)
    chosen = random.Random(3)
    costs: dict[int, list[int]] = {}
    for size in (1_000, 20_000):
        with nodes.database.writing():
            root = tree(nodes, {path(n): 1 for n in range(size)})
            before = nodes_written(nodes)
            changed = tree(nodes, {path(chosen.randrange(size)): 2 for _ in range(10)}, root)
            written = nodes_written(nodes) - before
        costs[size] = [
            written,
            nodes_read(nodes, lambda fresh, a=root, b=changed: list(differences(fresh, a, b))),
            nodes_read(nodes, lambda fresh, r=root, s=size: find(fresh, r, [path(s // 2)])),
            nodes_read(nodes, lambda fresh, r=root: list(scan(fresh, r, path(0)[:25]))),
        ]
    all_nodes = nodes_written(nodes)
    assert all_nodes > 2_500  # so that what follows says something
    for small, large in zip(costs[1_000], costs[20_000], strict=True):
        assert large <= small * 2 + 12
    assert costs[20_000][0] <= 10 * 6 + 4


def test_an_altered_node_is_noticed(tmp_path: Path) -> None:
    nodes = new_nodes(tmp_path)
    root = tree(nodes, {path(n): n for n in range(500)})
    ((row, body),) = nodes.database.rows("SELECT id, body FROM node ORDER BY id LIMIT 1")
    nodes.database.rows("UPDATE node SET body = ? WHERE id = ?", body[:-1] + bytes([body[-1] ^ 1]), row)
    with pytest.raises(LakeError, match="STORE_CORRUPT"):
        list(scan(Nodes(nodes.database), root, b""))
    assert find(Nodes(nodes.database), root, [path(499)])[path(499)].hint == 499
