"""The smallest lake that keeps the interface, for tests of what reads one."""

import hashlib
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hour_lake.errors import LakeError
from hour_lake.lake.interface import Change, Commit, Entry


class MemoryLake:
    """Refs and entries in memory, objects as files named by their digest."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.folder.mkdir(parents=True, exist_ok=True)
        self.commits: dict[str, dict[str, Entry]] = {}
        self.heads = {"main": self._commit({}, "")}
        self.marks: dict[str, str] = {}

    def branches(self):
        return dict(self.heads)

    def create_branch(self, name, source):
        self.heads[name] = self.resolve(source)
        return self.heads[name]

    def delete_branch(self, name):
        del self.heads[name]

    def tags(self):
        return dict(self.marks)

    def tag(self, name, ref):
        commit = self.resolve(ref)
        if self.marks.setdefault(name, commit) != commit:
            raise LakeError("TAG_IMMUTABLE", "the tag stands elsewhere", value=name)
        return commit

    def resolve(self, ref):
        found = self.heads.get(ref) or self.marks.get(ref) or (ref if ref in self.commits else None)
        if found is None:
            raise LakeError("REF_NOT_FOUND", "no such ref", value=ref)
        return found

    def log(self, ref, prefix="", limit=None) -> Iterator[Commit]:
        raise NotImplementedError

    def entries(self, ref, prefix=""):
        tree = self.commits[self.resolve(ref)]
        return iter([tree[path] for path in sorted(tree) if path.startswith(prefix)])

    def entry(self, ref, path):
        return self.commits[self.resolve(ref)].get(path)

    def read(self, ref, path):
        entry = self.entry(ref, path)
        if entry is None:
            raise LakeError("PATH_NOT_FOUND", "no such path", value=path)
        data = (self.folder / entry.digest).read_bytes()
        if hashlib.sha256(data).hexdigest() != entry.digest:
            raise LakeError("INTEGRITY", "an object was altered", value=path)
        return data

    def location(self, entry):
        return str(self.folder / entry.digest)

    def diff(self, before, after, prefix=""):
        old, new = (self.commits[self.resolve(ref)] for ref in (before, after))
        for path in sorted({*old, *new}):
            if path.startswith(prefix) and old.get(path) != new.get(path):
                kind = "added" if path not in old else "removed" if path not in new else "changed"
                yield Change(path, kind, old.get(path), new.get(path))

    @contextmanager
    def transaction(self, branch, metadata, *, message="", attempt=None, fence=None):
        staged = _Staged(self.folder, dict(self.commits[self.heads[branch]]))
        yield staged
        if staged.tree != self.commits[self.heads[branch]]:
            self.heads[branch] = self._commit(staged.tree, self.heads[branch])
        staged.commit_id = self.heads[branch]

    def _commit(self, tree: Mapping[str, Entry], parent: str) -> str:
        name = hashlib.sha256(f"{parent}{len(self.commits)}{time.monotonic_ns()}".encode()).hexdigest()
        self.commits[name] = dict(tree)
        return name


class _Staged:
    def __init__(self, folder: Path, tree: dict[str, Entry]) -> None:
        self.folder, self.tree, self.commit_id = folder, tree, ""

    def put(self, path, data, metadata=None):
        content = data.read_bytes() if isinstance(data, Path) else data
        entry = Entry(path, hashlib.sha256(content).hexdigest(), len(content), dict(metadata or {}))
        (self.folder / entry.digest).write_bytes(content)
        self.tree[path] = entry
        return entry

    def delete(self, path):
        self.tree.pop(path, None)
