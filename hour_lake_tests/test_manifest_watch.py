"""The watched folder: which files are manifests, and what two of one name mean."""

import os
from pathlib import Path

import pytest

from hour_lake.identity import VIDEO_ID
from hour_lake.manifests.watch import partition_name, watched


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_text("source\na.mp4\n")


def test_manifests_are_found_and_other_files_passed_over(tmp_path: Path) -> None:
    fill(tmp_path, "talks.csv", "More Talks.JSONL", "third.parquet")
    fill(tmp_path, ".hidden.csv", "._talks.csv", "~lock.csv", "notes.txt", "talks.csv.part", "csv")
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "broken.csv").symlink_to(tmp_path / "absent")
    os.mkfifo(tmp_path / "pipe.csv")
    found = watched(tmp_path)
    assert sorted(path.name for path in found.files.values()) == ["More Talks.JSONL", "talks.csv", "third.parquet"]
    assert found.refused == []
    assert all(VIDEO_ID.fullmatch(name) and partition_name(path) == name for name, path in found.files.items())


def test_two_files_of_one_name_are_refused_and_the_others_taken(tmp_path: Path) -> None:
    fill(tmp_path, "talks.csv", "talks.jsonl", "other.csv", "a,b.csv")
    found = watched(tmp_path)
    assert list(found.files) == ["other"]
    assert [(error.code, Path(error.where or "").name) for error in found.refused] == [
        ("ID_INVALID", "a,b.csv"), ("MANIFEST_NAME", "talks.csv"), ("MANIFEST_NAME", "talks.jsonl"),
    ]  # fmt: skip
    assert all(error.fix for error in found.refused)


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert watched(tmp_path / "absent").files == {}


@pytest.mark.parametrize("form", ["caf\u00e9.csv", "cafe\u0301.csv"])
def test_the_form_in_which_a_file_system_gives_a_name_does_not_matter(form: str) -> None:
    assert partition_name(Path(form)) == partition_name(Path("caf\u00e9.csv"))
