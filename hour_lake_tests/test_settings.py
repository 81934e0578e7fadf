"""Settings: an unknown key, a wrong type, a missing variable, a secret in plain text, an unsafe file, each coded."""

from pathlib import Path

import pytest

from hour_lake.errors import ConfigError
from hour_lake.settings import Settings, parse_settings

GOOD = "branch: exp\nsegment: {min_seconds: 4}\n"
BAD = [
    ("CONFIG_UNKNOWN_KEY", "branche: main", "branch"),
    ("CONFIG_UNKNOWN_KEY", "segment: {min_second: 3}", "min_seconds"),
    ("CONFIG_UNKNOWN_KEY", "limits: {max_byte: 3}", "max_bytes"),
    ("CONFIG_TYPE", "workers: many", "workers"),
    ("CONFIG_TYPE", "segment: {min_seconds: [3]}", "segment.min_seconds"),
    ("CONFIG_TYPE", "segment: {min_seconds: 9, max_seconds: 5}", "above max_seconds"),
    ("CONFIG_TYPE", "profile: free", "profile"),
    ("CONFIG_TYPE", "- a\n- list", "mapping"),
    ("CONFIG_TYPE", "branch: [", "YAML"),
    ("CONFIG_ENV_MISSING", "branch: ${HOUR_LAKE_NO_SUCH_VARIABLE}", "HOUR_LAKE_NO_SUCH_VARIABLE"),
    ("CONFIG_SECRET_LITERAL", "layers: {x: {api_key: hunter2}}", "api_key"),
    ("CONFIG_UNSAFE", "branch: !!python/object/apply:os.system [ls]", "YAML tag"),
    ("CONFIG_UNSAFE", "a: &a [x, x]\nb: [*a, *a]", "aliases"),
    ("CONFIG_UNSAFE", "# " + "x" * 1_100_000, "large"),
]


@pytest.mark.parametrize(("code", "text", "told"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_file_is_refused_with_its_code(code: str, text: str, told: str) -> None:
    assert parse_settings(GOOD.encode(), where="good.yaml").branch == "exp"
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.encode(), where="hour_lake.yaml")
    assert caught.value.code == code
    assert told in str(caught.value)
    assert caught.value.where == "hour_lake.yaml"
    assert "hunter2" not in str(caught.value)


def test_values_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_BRANCH", "tuesday")
    assert parse_settings(b"branch: ${MY_BRANCH}-exp", where="x").branch == "tuesday-exp"


def test_paths_are_relative_to_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOUR_LAKE_HOME", raising=False)
    monkeypatch.delenv("HOUR_LAKE_LAKE", raising=False)
    file = tmp_path / "hour_lake.yaml"
    file.write_text("home: data\nsource_roots: [videos]\n")
    settings = Settings.load(file)
    assert settings.home == tmp_path / "data"
    assert settings.source_roots == (tmp_path / "videos",)
    assert settings.lake_address == str(tmp_path / "data" / "lake")


def test_a_named_file_that_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOUR_LAKE_CONFIG", str(tmp_path / "absent.yaml"))
    with pytest.raises(ConfigError, match="CONFIG_MISSING"):
        Settings.load()


def test_no_file_is_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOUR_LAKE_CONFIG", raising=False)
    assert Settings.load().segment == Settings().segment
