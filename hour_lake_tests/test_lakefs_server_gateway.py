"""The stand-in's S3 gateway, read by boto3 and by DuckDB."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hour_lake_tests.lakefs_server.running import Running, running
from hour_lake_tests.lakefs_server_cases import ask, commit, new_repository, put


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with running(tmp_path_factory.mktemp("stand-in"), repository=None) as started:
        yield started


@pytest.fixture(scope="module")
def repository(server: Running) -> Any:
    made = new_repository(server)
    commit(made.branch("main"), **{"a/one": b"0123456789", "a/two & ü+%/x": b"2", "b": b"3", "c/d": b"4"})
    put(made.branch("main"), **{"a/one": b"new", "uncommitted": b"5"})
    made.tag("v1").create("main")
    made.branch("exp").create("main")
    return made


def s3_of(server: Running, secret_key: str = "", access_key: str = "", version: str = "s3v4") -> Any:
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3", endpoint_url=server.endpoint, region_name="us-east-1",
        aws_access_key_id=access_key or server.access_key, aws_secret_access_key=secret_key or server.secret_key,
        config=Config(signature_version=version, s3={"addressing_style": "path"}, retries={"max_attempts": 1}),
    )  # fmt: skip


def test_objects_are_read_at_a_ref(server: Running, repository: Any) -> None:
    s3, bucket = s3_of(server), repository.id
    head = repository.branch("main").head.id
    read = lambda key, **more: s3.get_object(Bucket=bucket, Key=key, **more)["Body"].read()  # noqa: E731
    for ref in ("v1", "exp", head, head[:10], "main@"):
        assert read(f"{ref}/a/one") == b"0123456789"
    assert read("main/a/one") == b"new"
    assert read("main/a/two & ü+%/x") == b"2"
    assert read("v1/a/one", Range="bytes=3-5") == b"345"
    assert read("v1/a/one", Range="bytes=-2") == b"89"
    found = s3.head_object(Bucket=bucket, Key="v1/a/one", IfMatch=repository.ref("v1").object("a/one").stat().checksum)
    assert found["ContentLength"] == 10
    assert found["ETag"] == f'"{repository.ref("v1").object("a/one").stat().checksum}"'
    partial = s3.get_object(Bucket=bucket, Key="v1/a/one", Range="bytes=8-20")
    assert (partial["ResponseMetadata"]["HTTPStatusCode"], partial["ContentRange"]) == (206, "bytes 8-9/10")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "v1/b"}, ExpiresIn=60)
    assert ask(server, "GET", url).body == b"3"
    over = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "v1/b"}, ExpiresIn=-1000)
    assert ask(server, "GET", over).status == 403


def test_keys_are_listed_below_a_ref(server: Running, repository: Any) -> None:
    s3, bucket = s3_of(server), repository.id

    def listed(prefix: str, **more: Any) -> tuple[list[str], list[str]]:
        keys, groups = [], []
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **more):
            keys += [found["Key"] for found in page.get("Contents", [])]
            groups += [found["Prefix"] for found in page.get("CommonPrefixes", [])]
        return keys, groups

    committed = ["v1/a/one", "v1/a/two & ü+%/x", "v1/b", "v1/c/d"]
    assert listed("v1/") == (committed, [])
    for size in (1, 3):
        assert listed("v1/", PaginationConfig={"PageSize": size}) == (committed, [])
        assert listed("v1/", Delimiter="/", PaginationConfig={"PageSize": size}) == (["v1/b"], ["v1/a/", "v1/c/"])
    assert listed("v1/a/t") == (["v1/a/two & ü+%/x"], [])
    assert "main/uncommitted" in listed("main/")[0]
    assert listed("", Delimiter="/") == ([], ["exp/", "main/"])
    assert listed("ma", Delimiter="/") == ([], ["main/"])
    assert listed("nope/") == ([], [])
    assert [o["Key"] for o in s3.list_objects(Bucket=bucket, Prefix="v1/")["Contents"]] == committed
    assert s3.list_objects_v2(Bucket=bucket, Prefix="v1/b")["Contents"][0]["Size"] == 1
    assert bucket in [found["Name"] for found in s3.list_buckets()["Buckets"]]


def test_errors_are_those_of_s3(server: Running, repository: Any) -> None:
    from botocore.exceptions import ClientError

    s3, bucket = s3_of(server), repository.id
    stranger, forger = s3_of(server, access_key="AKIAI0000000EXAMPLE"), s3_of(server, secret_key="wrong")  # noqa: S106
    asked = {
        "NoSuchKey": lambda: s3.get_object(Bucket=bucket, Key="main/nope"),
        "NoSuchBucket": lambda: s3.get_object(Bucket="nobody", Key="main/a"),
        "404": lambda: s3.head_object(Bucket=bucket, Key="nope/a"),
        "InvalidRange": lambda: s3.get_object(Bucket=bucket, Key="v1/b", Range="bytes=5-"),
        "PreconditionFailed": lambda: s3.get_object(Bucket=bucket, Key="v1/b", IfMatch="x"),
        "InvalidArgument": lambda: s3.list_objects_v2(Bucket=bucket, Prefix="v1/", Delimiter="-"),
        "NotImplemented": lambda: s3.put_object(Bucket=bucket, Key="main/x", Body=b"1"),
        "InvalidAccessKeyId": lambda: stranger.list_objects_v2(Bucket=bucket),
        "SignatureDoesNotMatch": lambda: forger.get_object(Bucket=bucket, Key="v1/b"),
        "AccessDenied": lambda: s3_of(server, version="s3").list_objects_v2(Bucket=bucket),
    }
    for code, attempt in asked.items():
        with pytest.raises(ClientError) as refused:
            attempt()
        assert refused.value.response["Error"]["Code"] == code
    assert ask(server, "GET", f"{server.endpoint}/{bucket}/main/b").status == 403


def test_duckdb_reads_a_commit_and_no_other(server: Running, repository: Any, tmp_path: Path) -> None:
    duckdb_of = duckdb_with_s3(server, f"s3://{repository.id}/")
    file = tmp_path / "part.parquet"
    branch = repository.branch("tables").create("main")
    for number in range(3):
        duckdb_of.execute(f"COPY (SELECT range AS x FROM range({number}, 1000)) TO '{file}' (FORMAT parquet)")
        branch.object(f"facts/day={number}/part ü.parquet").upload(file.read_bytes(), pre_sign=False)
    first = branch.commit("three days").id
    put(branch, **{"facts/day=2/part ü.parquet": None})

    def total(ref: str, files: str = "facts/*/*.parquet") -> Any:
        return duckdb_of.execute(f"SELECT count(*), sum(x) FROM 's3://{repository.id}/{ref}/{files}'").fetchone()

    assert total(first) == (2997, 3 * 499500 - 1)
    assert total("tables") == (1999, 2 * 499500)
    assert total(first, "facts/day=2/part ü.parquet") == (998, 499499)
    import duckdb

    with pytest.raises(duckdb.Error, match=r"404|No files found"):
        total(first, "facts/nope.parquet")


def duckdb_with_s3(server: Running, scope: str) -> Any:
    """DuckDB with the extension that a package carries, and a secret for one repository."""
    import duckdb
    import duckdb_extension_httpfs

    extension = next(Path(duckdb_extension_httpfs.__file__).parent.rglob("*.duckdb_extension"))
    connection = duckdb.connect()
    connection.execute(f"LOAD '{extension}'")
    connection.execute(
        "CREATE SECRET (TYPE s3, PROVIDER config, KEY_ID $key, SECRET $secret, ENDPOINT $endpoint, URL_STYLE 'path', "
        "USE_SSL false, SCOPE $scope)"
        .replace("$key", f"'{server.access_key}'").replace("$secret", f"'{server.secret_key}'")
        .replace("$endpoint", f"'{server.endpoint.removeprefix('http://')}'").replace("$scope", f"'{scope}'")
    )  # fmt: skip
    return connection
