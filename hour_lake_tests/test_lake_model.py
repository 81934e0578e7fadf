"""A lake against a plain dict, through random histories of commits, branches, tags and merges."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, multiple, rule

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Lake
from hour_lake_tests.lake_cases import IMPLEMENTATIONS, commit, contents
from hour_lake_tests.sizes import size

Changes = tuple[dict[str, bytes], set[str]]
PATHS = st.builds("{}/{}/{:02d}".format, st.sampled_from("ab"), st.sampled_from(["x", "xy", "z"]), st.integers(0, 30))
DATA = st.sampled_from([b"", b"1", b"2", b"3"])
CHANGES = st.tuples(st.dictionaries(PATHS, DATA, max_size=40), st.sets(PATHS, max_size=20))
PREFIXES = st.sampled_from(["", "a", "a/x", "a/x/", "b/xy/1", "c"])


class LakeMachine(RuleBasedStateMachine):
    """`model` maps every commit to its entries, and names to commits, as a person would on paper."""

    branches = Bundle("branches")
    commits = Bundle("commits")
    implementation = "embedded"

    @initialize(target=branches)
    def start(self) -> str:
        self.folder = tempfile.TemporaryDirectory()
        self.lake: Lake = IMPLEMENTATIONS[self.implementation](Path(self.folder.name))
        root = self.lake.resolve("main")
        self.states: dict[str, dict[str, bytes]] = {root: {}}
        self.heads = {"main": root}
        self.tags: dict[str, str] = {}
        self.parents: dict[str, tuple[str, ...]] = {root: ()}
        self.order = [root]
        return "main"

    @rule(target=commits, branch=branches, changes=CHANGES)
    def commit(self, branch: str, changes: Changes) -> str:
        puts, deletes = changes
        branch = branch if branch in self.heads else "main"
        before = self.heads[branch]
        after = {path: data for path, data in {**self.states[before], **puts}.items() if path not in deletes}
        made = commit(self.lake, puts, deletes, branch=branch)
        assert (made == before) == (after == self.states[before])
        self._moved(branch, made, after, before)
        return made

    def _moved(self, branch: str, made: str, after: dict[str, bytes], *parents: str) -> None:
        if made not in self.states:
            self.parents[made] = parents
            self.order.append(made)
        self.states[made] = after
        self.heads[branch] = made

    def _ancestors(self, commit_id: str) -> set[str]:
        found, waiting = set[str](), [commit_id]
        while waiting:
            one = waiting.pop()
            found.add(one)
            waiting += [p for p in self.parents[one] if p not in found]
        return found

    @rule(target=commits, source=commits, branch=branches)
    def merge(self, source: str, branch: str) -> str:
        """The newest common ancestor decides; both sides' changes since then are laid together by hand."""
        branch = branch if branch in self.heads else "main"
        head = self.heads[branch]
        common = self._ancestors(source) & self._ancestors(head)
        base = max(common, key=self.order.index)
        old, theirs, ours = self.states[base], self.states[source], self.states[head]
        changed = {p for p in {*old, *theirs} if old.get(p) != theirs.get(p)}
        clash = {p for p in changed if ours.get(p) not in (old.get(p), theirs.get(p))}
        try:
            made = self.lake.merge(source, branch)
        except LakeError as error:
            assert error.code == "MERGE_CONFLICT" and error.value == str(len(clash)) and clash
            return head
        assert not clash
        assert (made == head) == (source in self._ancestors(head))
        after = {p: data for p, data in {**ours, **{p: theirs.get(p) for p in changed}}.items() if data is not None}
        if made != head:
            self._moved(branch, made, after, head, source)
        return made

    @rule(branch=branches, ours=CHANGES, theirs=CHANGES)
    def race(self, branch: str, ours: Changes, theirs: Changes) -> None:
        """A commit that lands while another transaction on the same branch is open."""
        branch = branch if branch in self.heads else "main"
        base = self.states[self.heads[branch]]
        wanted = {**ours[0], **dict.fromkeys(ours[1])}
        try:
            with self.lake.transaction(branch, {}) as transaction:
                for path, data in ours[0].items():
                    transaction.put(path, data, {"length": str(len(data))})
                for path in ours[1]:
                    transaction.delete(path)
                self.commit(branch, theirs)
        except LakeError as error:
            assert error.code == "CONFLICT"
            landed = False
        else:
            landed = True
        between = self.states[self.heads[branch]]
        clash = {p for p, data in wanted.items() if between.get(p) not in (base.get(p), data)}
        assert landed == (not clash)
        if landed:
            after = {p: data for p, data in {**between, **wanted}.items() if data is not None}
            self._moved(branch, transaction.commit_id, after, self.heads[branch])

    @rule(target=branches, source=commits, number=st.integers(0, 5))
    def branch(self, source: str, number: int):
        name = f"branch{number}"
        if name in self.heads:
            return multiple()
        self.heads[name] = self.lake.create_branch(name, source)
        assert self.heads[name] == source
        return name

    @rule(number=st.integers(0, 5))
    def delete_branch(self, number: int) -> None:
        name = f"branch{number}"
        if name in self.heads:
            self.lake.delete_branch(name)
            del self.heads[name]

    @rule(source=commits, number=st.integers(0, 3))
    def tag(self, source: str, number: int) -> None:
        name = f"dataset/d/v{number}"
        try:
            self.lake.tag(name, source)
        except LakeError as error:
            assert error.code == "TAG_IMMUTABLE" and self.tags[name] != source
        else:
            assert self.tags.setdefault(name, source) == source

    @rule(before=commits, after=commits, prefix=PREFIXES)
    def diff(self, before: str, after: str, prefix: str) -> None:
        old, new = self.states[before], self.states[after]
        expected = sorted(p for p in {*old, *new} if p.startswith(prefix) and old.get(p) != new.get(p))
        changes = list(self.lake.diff(before, after, prefix))
        assert [c.path for c in changes] == expected
        for c in changes:
            assert c.kind == ("added" if c.path not in old else "removed" if c.path not in new else "changed")

    @rule(at=commits, prefix=PREFIXES)
    def listing(self, at: str, prefix: str) -> None:
        expected = {p: data for p, data in self.states[at].items() if p.startswith(prefix)}
        assert contents(self.lake, at, prefix) == expected

    @rule(path=PATHS, at=commits)
    def one_entry(self, path: str, at: str) -> None:
        entry = self.lake.entry(at, path)
        assert (entry is not None) == (path in self.states[at])

    @invariant()
    def names_stand_where_they_should(self) -> None:
        assert dict(self.lake.branches()) == self.heads
        assert dict(self.lake.tags()) == self.tags

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.folder.cleanup()


LakeMachine.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
TestLake = LakeMachine.TestCase


class LakefsMachine(LakeMachine):
    """The same over HTTP, which is slower: fewer and shorter histories."""

    implementation = "lakefs"


LakefsMachine.TestCase.settings = settings(
    max_examples=size(6, night=100), stateful_step_count=15, deadline=None,
    suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.reuse, Phase.generate],
)  # fmt: skip
TestLakefs = LakefsMachine.TestCase
