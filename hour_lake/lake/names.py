"""Which names a branch, a tag and a path may have, and the names nearest to one that is not there."""

import difflib
import re
import unicodedata
from collections.abc import Iterable

from hour_lake.errors import LakeError

# The grammar that lakeFS gives branches, so that a name good here is good there.
BRANCH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,127}")
TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(/[A-Za-z0-9_][A-Za-z0-9_.-]*)*")
COMMIT_ID = re.compile(r"[0-9a-f]{64}")
COMMIT_PREFIX = re.compile(r"[0-9a-f]{8,64}")
RESERVED = {"head"}
TAG_LIMIT = 200
PATH_LIMIT_BYTES = 1024  # of S3 keys


def check_branch_name(name: str) -> None:
    """REF_NAME_INVALID unless `name` is a good name for a branch: letters, digits, `_` and `-`."""
    if not BRANCH.fullmatch(name) or _is_taken_by_grammar(name):
        raise LakeError("REF_NAME_INVALID", "no branch can be called that", value=name,
                        fix="use up to 128 letters, digits, '_' and '-', not starting with '-'")  # fmt: skip


def check_tag_name(name: str) -> None:
    """REF_NAME_INVALID unless `name` is a good name for a tag: like a branch, and also `.` and `/` between parts."""
    if not TAG.fullmatch(name) or len(name) > TAG_LIMIT or ".." in name or _is_taken_by_grammar(name):
        raise LakeError("REF_NAME_INVALID", "no tag can be called that", value=name,
                        fix=f"use up to {TAG_LIMIT} letters, digits and _-./, like dataset/talks/v1")  # fmt: skip


def _is_taken_by_grammar(name: str) -> bool:
    """HEAD means something else wherever people know it from, and 64 hex digits are a commit."""
    return name.lower() in RESERVED or COMMIT_ID.fullmatch(name) is not None


def check_path(path: str) -> None:
    """PATH_INVALID unless `path` is relative, composed (NFC), printable, and stays where it is put."""
    problem = _problem_of(path)
    if problem:
        raise LakeError("PATH_INVALID", problem, value=path, fix="use a path like layers/blink/bob/x.parquet")


def _problem_of(path: str) -> str | None:
    if path.isascii() and path.isprintable():
        if len(path) > PATH_LIMIT_BYTES:
            return f"the path has {len(path)} bytes; at most {PATH_LIMIT_BYTES} are taken"
    elif any(unicodedata.category(c) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for c in path):
        return "the path has control or direction characters"
    elif unicodedata.normalize("NFC", path) != path:
        return "the path is not in composed Unicode form (NFC), so it has a twin that looks the same"
    elif len(path.encode()) > PATH_LIMIT_BYTES:
        return f"the path has {len(path.encode())} bytes; at most {PATH_LIMIT_BYTES} are taken"
    if any(part in {"", ".", ".."} for part in path.split("/")):
        return "the path has an empty part, '.' or '..'"
    return None


def near(name: str, known: Iterable[str]) -> str | None:
    """`did you mean 'blink', 'blinks'?`, or None when nothing is near."""
    found = difflib.get_close_matches(name, list(known), n=3, cutoff=0.5)
    return f"did you mean {', '.join(map(repr, found))}?" if found else None
