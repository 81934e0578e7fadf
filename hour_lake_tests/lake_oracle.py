"""What must be true of a lake after whatever happened to its writers, and what a reader must never see.

Writers tell what they are about to do and what was acknowledged to them, one line each:

    commit BRANCH ID    branch NAME ID    tag NAME ID    deleting NAME    deleted NAME

They keep one rule that a torn commit would break: a folder holds two files, both of the same turn (see `put_turn`).
"""

import random
from collections import defaultdict
from collections.abc import Iterable

from hour_lake.errors import LakeError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake.lake.interface import Entry, Transaction
from hour_lake.lake.objects import digest_of

HIDDEN = "hidden-"  # branches called like this are not looked at: what they hold is damaged on purpose
FILES_A_FOLDER = 7


def put_turn(transaction: Transaction, folder: str, turn: str, number: int) -> None:
    """The next turn of a folder: one of its seven files takes the place of the one before, and `count` goes with it."""
    for file in range(FILES_A_FOLDER):
        if file != number % FILES_A_FOLDER:
            transaction.delete(f"{folder}/file-{file}")
    transaction.put(f"{folder}/file-{number % FILES_A_FOLDER}", f"{turn} in a file".encode(), {"turn": turn})
    transaction.put(f"{folder}/count", f"{turn} counted".encode(), {"turn": turn})


def assert_whole(entries: Iterable[Entry], where: str) -> None:
    """No folder is half of one turn and half of another."""
    turns: dict[str, list[str]] = defaultdict(list)
    for entry in entries:
        turns[entry.path.rpartition("/")[0]].append(entry.metadata["turn"])
    torn = {folder: seen for folder, seen in turns.items() if len(seen) != 2 or len(set(seen)) != 1}
    assert not torn, f"{where} is torn: {torn}"


def look(lake: EmbeddedLake, chosen: random.Random) -> None:
    """One look of a reader: some ref, its entries, the bytes of a few of them."""
    ref = chosen.choice([name for name in [*lake.branches(), *lake.tags()] if not name.startswith(HIDDEN)])
    try:
        with lake.pinned(ref) as commit_id:
            entries = list(lake.entries(commit_id))
            assert_whole(entries, commit_id)
            for entry in chosen.sample(entries, min(3, len(entries))):
                assert lake.read(commit_id, entry.path).decode().startswith(entry.metadata["turn"])
    except LakeError as error:
        if error.code != "REF_NOT_FOUND":  # dropped meanwhile
            raise


class Oracle:
    """What was acknowledged about one lake so far; `check` holds the lake against it."""

    def __init__(self) -> None:
        self.commits: dict[str, list[str]] = defaultdict(list)
        self.tags: dict[str, str] = {}
        self.dropping: set[str] = set()
        self.dropped: set[str] = set()
        self._checked: set[str] = set()
        self._sound: set[str] = set()
        self._found: dict[str, int] = defaultdict(int)

    def note(self, line: str) -> None:
        """A line that a writer wrote."""
        word, name, *commit = line.split()
        if word in ("commit", "branch"):
            self.commits[name] += commit
        elif word == "tag":
            self.tags[name] = commit[0]
        else:
            {"deleting": self.dropping, "deleted": self.dropped}[word].add(name)

    def check(self, lake: EmbeddedLake) -> None:
        """All that was acknowledged is there, every commit is whole, every object of every commit is what it says.

        What an earlier call has seen is not looked at again: call `check_all` in the end.
        """
        branches = lake.branches()
        assert self.dropped.isdisjoint(branches)
        assert self.tags.items() <= dict(lake.tags()).items()
        for branch, told in self.commits.items():
            if branch not in self.dropping:
                assert branch in branches, f"the branch {branch} is lost"
                if new := set(told[self._found[branch] :]):
                    self._find(lake, branch, new)
                self._found[branch] = len(told)
        heads = {commit_id for name, commit_id in branches.items() if not name.startswith(HIDDEN)}
        for head in {*heads, *lake.tags().values()} - self._checked:
            for commit in lake.log(head):
                if commit.id in self._checked:
                    break
                self._check_commit(lake, commit.id)

    def check_all(self, lake: EmbeddedLake) -> None:
        """As `check`, and nothing is taken as seen."""
        self._checked.clear()
        self._sound.clear()
        self._found.clear()
        self.check(lake)

    def _find(self, lake: EmbeddedLake, branch: str, told: set[str]) -> None:
        for commit in lake.log(branch):
            if not told:
                return
            told.discard(commit.id)
        assert not told, f"acknowledged on {branch} and lost: {told}"

    def _check_commit(self, lake: EmbeddedLake, commit_id: str) -> None:
        self._checked.add(commit_id)
        entries = list(lake.entries(commit_id))
        assert_whole(entries, commit_id)
        for entry in entries:
            if entry.digest not in self._sound:
                file = lake.local_file(commit_id, entry)
                assert file.stat().st_size == entry.size_bytes and digest_of(file) == entry.digest, entry
                self._sound.add(entry.digest)
