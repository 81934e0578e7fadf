"""What others cost at the same size: `python -m bench.lake_beside ENTRIES`, JSON in milliseconds and bytes.

git       a pointer file of 130 bytes for each entry, as git-lfs and DVC keep them, in a real repository with an index
manifest  one JSON list of all entries, as DVC keeps for a tracked folder, written anew for every commit
bare      500 small files, synced by eight threads and renamed, and 500 rows in one transaction of SQLite: no lake
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.lake_corpus import changing, digest, metadata, paths
from bench.lake_figures import Figures, best_of

REPEATED = 3
WHO = {f"GIT_{role}_{what}": "bench" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def measure(folder: Path, entries: int) -> Figures:
    known = list(paths(entries))
    return git(folder / "git", known) | manifest(folder, known) | bare(folder, known)


def git(folder: Path, known: Sequence[str]) -> Figures:
    """A commit of 500 pointers adds objects and writes the index anew; git does not sync them unless told to."""
    folder.mkdir()
    run = partial(_git, folder)
    run("init", "--quiet", "--initial-branch=main")
    run("config", "gc.auto", "0")
    run("fast-import", "--quiet", given=_stream(known))
    run("read-tree", "main")
    figures: Figures = {}
    objects, index = folder / ".git" / "objects", folder / ".git" / "index"
    for kind, at in changing(known).items():
        before = _size(objects)
        figures[f"git: commit 500 {kind}"] = best_of(REPEATED, lambda n, at=at: _commit(folder, at, n))
        figures[f"git: bytes of 500 {kind}"] = (_size(objects) - before) / REPEATED + index.stat().st_size
    figures["git: diff 500"] = best_of(REPEATED, lambda _: run("diff-tree", "-r", "main~1", "main"))
    return figures


def _commit(folder: Path, at: Sequence[str], number: int) -> None:
    """As `git add` and `git commit` do, but without looking through the files for what has changed."""
    pointers = [_pointer(path, number + 1) for path in at]
    batch = b"".join(b"blob\nmark :%d\ndata %d\n%b\n" % (n + 1, len(p), p) for n, p in enumerate(pointers))
    marks = folder / "marks"
    _git(folder, "fast-import", "--quiet", f"--export-marks={marks}", given=batch)
    blobs = dict(line[1:].split() for line in marks.read_text().splitlines())
    index = "".join(f"100644 {blobs[str(n + 1)]}\t{path}\n" for n, path in enumerate(at))
    _git(folder, "update-index", "--index-info", given=index.encode())
    tree = _git(folder, "write-tree").decode().strip()
    commit = _git(folder, "commit-tree", tree, "-p", "main", "-m", "500 changes").decode().strip()
    _git(folder, "update-ref", "refs/heads/main", commit)


def _stream(known: Sequence[str]) -> bytes:
    head = b"commit refs/heads/main\ncommitter bench <bench> 0 +0000\ndata 4\nload\n"
    return head + b"".join(_files(known))


def _files(known: Sequence[str]) -> Iterator[bytes]:
    for path in known:
        pointer = _pointer(path, 0)
        yield b"M 100644 inline %b\ndata %d\n%b\n" % (path.encode(), len(pointer), pointer)


def _pointer(path: str, salt: int) -> bytes:
    return f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest(path, salt)}\nsize 12345\n".encode()


def _git(folder: Path, *arguments: str, given: bytes | None = None) -> bytes:
    environment = {**os.environ, **WHO, "GIT_CONFIG_GLOBAL": os.devnull}
    command = ["git", "-c", "fastimport.unpackLimit=1000", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, input=given, check=True, capture_output=True).stdout


def _size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def manifest(folder: Path, known: Sequence[str]) -> Figures:
    """Change 500 entries of a list in memory and write the whole of it."""
    at = changing(known)["scattered"]
    listed = {path: digest(path)[:32] for path in known}
    file = folder / "manifest.json"

    def commit(number: int) -> None:
        listed.update((path, digest(path, number)[:32]) for path in at)
        with file.open("w") as writer:
            json.dump([{"md5": md5, "relpath": path} for path, md5 in listed.items()], writer)
            writer.flush()
            os.fsync(writer.fileno())

    taken = best_of(REPEATED, commit)
    return {"full manifest: commit 500": taken, "full manifest: bytes of 500": file.stat().st_size}


def bare(folder: Path, known: Sequence[str]) -> Figures:
    """What no lake can do without, for 500 new objects."""
    database = sqlite3.connect(folder / "bare.sqlite3", isolation_level=None)
    database.executescript("PRAGMA journal_mode = WAL; CREATE TABLE entry (path, digest, said)")
    at = changing(known)["scattered"]

    def commit(number: int) -> None:
        target = folder / f"bare-{number}"
        target.mkdir()
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda path: _write_synced(target / digest(path), path.encode()), at))
        database.execute("BEGIN IMMEDIATE")
        rows = [(path, digest(path, number), json.dumps(metadata(path, number))) for path in at]
        database.executemany("INSERT INTO entry VALUES (?, ?, ?)", rows)
        database.execute("COMMIT")

    return {"500 synced files and rows, no lake": best_of(REPEATED, commit)}


def _write_synced(file: Path, data: bytes) -> None:
    draft = file.with_suffix(".new")
    with draft.open("wb") as writer:
        writer.write(data)
        writer.flush()
        os.fsync(writer.fileno())
    draft.replace(file)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="hour-lake-bench-") as scratch:
        print(json.dumps(measure(Path(scratch), int(sys.argv[1]))))
