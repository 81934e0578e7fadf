"""Settings: an unknown key, a wrong type, a missing variable, a secret in plain text, an unsafe file, each coded."""

import traceback
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
    ("CONFIG_UNKNOWN_KEY", "nothing_like_it: 1", "remove it"),
    ("CONFIG_TYPE", "branch: a\nbranch: b", "line 2"),
    ("CONFIG_TYPE", "layers: {blink: {a: 1, a: 2}}", "twice"),
    ("CONFIG_TYPE", "branch: 2001-13-45", "YAML"),
    ("CONFIG_TYPE", "1: 2", "Keys"),
    ("CONFIG_TYPE", "segment: {min_seconds: .nan}", "finite"),
    ("CONFIG_TYPE", "segment: {min_seconds: 9, max_seconds: 4}", "above"),
    ("CONFIG_TYPE", "limits: {max_bytes: -1}", "limits.max_bytes"),
    ("CONFIG_TYPE", "allowed_hosts: [videos.org, 'https://videos.org/']", "allowed_hosts.1"),
    ("CONFIG_TYPE", "password: ${A: hunter2", "line 1"),
    ("CONFIG_TYPE", "workers: ${SECRET_OF_OURS}", "${SECRET_OF_OURS}"),
    ("CONFIG_TYPE", "segment: {min_seconds: ['${SECRET_OF_OURS}']}", "segment.min_seconds"),
    ("CONFIG_TYPE", "profile: x-${SECRET_OF_OURS}", "x-${SECRET_OF_OURS}"),
    ("CONFIG_SECRET_LITERAL", "password: hunter2", "${PASSWORD}"),
    ("CONFIG_SECRET_LITERAL", "password: 12345", "password"),
    ("CONFIG_SECRET_LITERAL", "layers: {x: {hub-token: 'x${HOME}'}}", "${HUB_TOKEN}"),
    ("CONFIG_SECRET_LITERAL", "layers: {x: {tokens: 1, aws_secret_access_key: [hunter2]}}", "aws_secret_access_key"),
    ("CONFIG_SECRET_LITERAL", "layers: {x: {url: 'https://ann:hunter2@h.org'}}", "url"),
    ("CONFIG_SECRET_LITERAL", "layers: {x: {name: AKIAIOSFODNN7EXAMPLE}}", "name"),
    ("CONFIG_UNSAFE", "[" * 10_000, "deep"),
    ("CONFIG_UNSAFE", "{a: " * 500, "deep"),
    ("CONFIG_UNSAFE", "\n".join(" " * n + "a:" for n in range(500)), "deep"),
    ("CONFIG_UNSAFE", "? [a]\n: b", "a key that is none"),
    ("CONFIG_UNSAFE", "# " + "x" * 1_100_000, "large"),
]


@pytest.mark.parametrize(("code", "text", "told"), BAD, ids=lambda value: str(value)[:40])
def test_a_bad_file_is_refused_with_its_code(code: str, text: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "hunter2")
    assert parse_settings(GOOD.encode(), where="good.yaml").branch == "exp"
    with pytest.raises(ConfigError) as caught:
        parse_settings(text.encode(), where="hour_lake.yaml")
    assert caught.value.code == code
    assert told in str(caught.value)
    assert caught.value.where == "hour_lake.yaml"
    assert caught.value.fix
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "text",
    ["", "# only a comment\n",
     "layers: {x: {tokenizer: bpe, max_tokens: 5, token_count: 7, api_key: '${SECRET_OF_OURS}'}}",
     "allowed_hosts: [Videos.org, 's3://bucket', '127.0.0.1', '::1']", "layers: {x: {url: 'https://h.org/a:b@c'}}"],
)  # fmt: skip
def test_what_looks_like_it_is_taken(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_OF_OURS", "hunter2")
    assert parse_settings(text.encode(), where="x").branch == "main"


def test_a_variable_is_filled_in_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("A_OF_OURS", "${B_OF_OURS}")
    assert parse_settings(b"branch: ${A_OF_OURS}", where="x").branch == "${B_OF_OURS}"


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
    monkeypatch.delenv("HOUR_LAKE_CONFIG")
    with pytest.raises(ConfigError, match="CONFIG_MISSING"):
        Settings.load(tmp_path / "absent.yaml")


def test_no_file_is_all_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HOUR_LAKE_CONFIG", raising=False)
    assert Settings.load().segment == Settings().segment
