"""User SQL: answered from one commit, or refused with a code; nothing outside the commit can be reached."""

import pytest

from hour_lake.catalog.locked_process import Refused, check
from hour_lake.catalog.query import QueryLimits, run_query
from hour_lake.errors import LakeError, QueryError
from hour_lake.lake.embedded import EmbeddedLake
from hour_lake_tests.catalog_corpus import LAYERS, compact_into, fill, put_segment, segments

GOOD = "SELECT segment_id FROM facts WHERE luminance.mean BETWEEN 60 AND 80 AND speaker = 'ann' ORDER BY 1"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = EmbeddedLake.open(tmp_path_factory.mktemp("lake"))
    fill(lake)
    return lake


def ask(lake, sql, **options):
    return run_query(sql, lake=lake, ref=options.pop("ref", "main"), layers=LAYERS, **options)


def refused(lake, sql, **options) -> QueryError:
    """What a query is refused with; a good one beside it is still answered."""
    with pytest.raises(QueryError) as caught:
        ask(lake, sql, **options)
    return caught.value


def test_an_answer_has_columns_rows_and_its_commit(lake):
    answer = ask(lake, GOOD)
    assert answer.columns == ["segment_id"]
    assert [row[0].split("_")[0] for row in answer.rows] == ["ann2", "ann2", "ann", "ann"]
    assert answer.commit_id == lake.resolve("main")


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*), sum(start_ms) FROM facts", [(20, 160000)]),
        ("FROM videos SELECT count(*)", [(4,)]),
        ("SELECT 'it''s; -- fine'", [("it's; -- fine",)]),
        ("/* two */ SELECT 1 AS a, 2 AS a -- ;", [(1, 2)]),
        ("WITH t AS (SELECT 1 AS x) SELECT * FROM t UNION ALL SELECT * FROM range(2, 3)", [(1,), (2,)]),
        ("SELECT unnest(['a'])", [("a",)]),
        ("SELECT x FROM (VALUES (NULL)) t(x)", [(None,)]),
        ("SELECT sum(n) FROM (SELECT count(*) AS n FROM blink)", [(52,)]),
        ("SELECT count(*) FROM (DESCRIBE facts) WHERE column_name = 'luminance'", [(1,)]),
        ("SELECT count(*) FROM segments WHERE false", [(0,)]),
    ],
)
def test_what_may_be_asked(lake, sql, rows):
    assert ask(lake, sql).rows == rows


def test_tables_can_be_listed(lake):
    names = {row[0] for row in ask(lake, "SHOW TABLES").rows}
    assert {"facts", "segments", "manifests", "videos", "plans", "flags", "luminance", "blink"} <= names


def test_an_answer_after_compaction_and_at_an_older_commit(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    fill(lake)
    before = ask(lake, GOOD)
    compact_into(lake)
    with lake.transaction("main", {}) as tx:
        put_segment(tx, segments("ann", 7)[6], mean=70.0)
    assert len(ask(lake, GOOD).rows) == len(before.rows) + 1
    assert ask(lake, GOOD, ref=before.commit_id).rows == before.rows


NOT_ALLOWED = """
COPY facts TO '/tmp/stolen.csv'
COPY (SELECT 1) TO '/tmp/stolen.csv'
ATTACH '/tmp/x.db'
INSTALL httpfs
LOAD httpfs
SET threads = 9
RESET threads
PRAGMA database_list
PRAGMA version
EXPORT DATABASE '/tmp/x'
IMPORT DATABASE '/tmp/x'
CREATE TABLE t AS SELECT 1
CREATE VIEW v AS SELECT 1
DROP VIEW facts
INSERT INTO _lake.pinned VALUES ('x')
DELETE FROM _lake.pinned
UPDATE _lake.pinned SET commit_id = 'x'
CALL pragma_version()
EXPLAIN ANALYZE SELECT 1
CHECKPOINT
VACUUM
BEGIN
USE system
PREPARE p AS SELECT 1
CREATE MACRO m() AS 1
CREATE SECRET (TYPE s3)
DETACH memory
SELECT 1; SELECT 2
SELECT 1; COPY facts TO '/tmp/stolen.csv'
/* SELECT */ SET threads = 1
;
-- nothing
SELECT * FROM query('SELECT 1')
SELECT * FROM query_table('facts')
SELECT * FROM enable_logging('QueryLog')
SELECT * FROM duckdb_settings()
SELECT * FROM duckdb_secrets()
SELECT * FROM checkpoint()
SELECT * FROM json_execute_serialized_sql('{}')
SELECT * FROM (SELECT * FROM test_all_types())
PIVOT facts ON video_id USING count(*)
""".strip().splitlines()


@pytest.mark.parametrize("sql", ["", *NOT_ALLOWED])
def test_anything_but_one_select_is_not_allowed(sql):
    with pytest.raises(Refused) as caught:
        check(sql)
    assert caught.value.said["code"] == "QUERY_NOT_ALLOWED"


OUTSIDE = """
SELECT * FROM read_csv('/etc/passwd')
SELECT * FROM '/etc/passwd'
FROM 'https://example.org/a.parquet'
SELECT * FROM read_text('/etc/passwd')
SELECT * FROM read_blob('/proc/self/environ')
SELECT * FROM glob('/*')
SELECT * FROM read_parquet('s3://bucket/x.parquet')
SELECT * FROM parquet_metadata('/tmp/x')
SELECT * FROM sniff_csv('/etc/passwd')
SELECT (SELECT count(*) FROM read_json('/etc/passwd'))
WITH a AS (SELECT * FROM READ_CSV_AUTO('/etc/passwd')) SELECT * FROM a
SELECT * FROM 'x.csv'
SELECT 1 WHERE EXISTS (FROM read_duckdb('/tmp/x.db'))
SELECT * FROM parquet_scan('/tmp/link')
SELECT * FROM arrow_scan(1, 2, 3)
""".strip().splitlines()


@pytest.mark.parametrize("sql", OUTSIDE)
def test_nothing_outside_the_commit_can_be_read(sql):
    with pytest.raises(Refused) as caught:
        check(sql)
    assert caught.value.said["code"] == "QUERY_FORBIDDEN"


@pytest.mark.parametrize(
    ("sql", "code"),
    [("IMPORT DATABASE '/tmp/x'", "QUERY_NOT_ALLOWED"), ("SELECT * FROM read_csv('/etc/passwd')", "QUERY_FORBIDDEN")],
)  # fmt: skip
def test_the_process_says_what_the_check_says(lake, sql, code):
    assert refused(lake, sql).code == code
    assert len(ask(lake, GOOD).rows) == 4


def test_the_engine_itself_refuses_files_too(lake, tmp_path, monkeypatch):
    """The second lock, with the first one open: a file that is not of the commit, and a variable of the process."""
    from hour_lake.catalog import locked_pipe

    secret = tmp_path / "secret.csv"
    secret.write_text("password\nhunter2\n")
    script = tmp_path / "unlocked.py"
    text = locked_pipe.SCRIPT.read_text().replace('        check(request["sql"])\n', "")
    assert text != locked_pipe.SCRIPT.read_text()
    script.write_text(text)
    monkeypatch.setattr(locked_pipe, "SCRIPT", script)
    for sql in (
        f"FROM read_csv('{secret}')",
        f"FROM '{secret}'",
        f"FROM glob('{tmp_path}/*')",
        f"ATTACH '{secret}' AS s",
    ):
        assert refused(lake, sql).code == "QUERY_FORBIDDEN"
    assert "locked" in str(refused(lake, "SET enable_external_access = true"))
    assert "request" in str(refused(lake, "SELECT * FROM request"))
    assert "hunter2" not in str(refused(lake, f"COPY (SELECT 1) TO '{tmp_path}/out.csv'"))
    assert not (tmp_path / "out.csv").exists()
    assert len(ask(lake, GOOD).rows) == 4


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT count(*) FROM range(1000000) a, range(1000000) b, range(1000000) c",
        "SELECT length(repeat('x', 2000000000))",
        "SELECT list_sum(range(1000000000))",
        "SELECT count(regexp_matches(repeat('a', 100000) || i, '(a*)*(a*)*b')) FROM range(100000) t(i)",
        "WITH RECURSIVE t(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM t) SELECT count(*) FROM t",
    ],
)
def test_a_bomb_ends_within_its_limits(lake, sql):
    error = refused(lake, sql, limits=QueryLimits(wall_seconds=0.8, memory_mib=512))
    assert error.code == "QUERY_LIMIT"
    assert len(ask(lake, GOOD).rows) == 4


@pytest.mark.parametrize(
    ("sql", "limits"),
    [
        ("SELECT * FROM range(2000)", QueryLimits(rows=1000)),
        ("SELECT repeat('x', 1000) || i FROM range(3000) t(i)", QueryLimits(answer_mib=1)),
        ("SELECT " + "1+" * 60_000 + "1", QueryLimits()),
    ],
)
def test_too_much_of_an_answer_or_a_question(lake, sql, limits):
    assert refused(lake, sql, limits=limits).code == "QUERY_LIMIT"


@pytest.mark.parametrize(
    ("sql", "word", "near"),
    [
        ("SELECT segmnt_id FROM facts", "segmnt_id", "segment_id"),
        ("SELECT luminance.men FROM facts", "men", "mean"),
        ("SELECT * FROM fact", "fact", "facts"),
        ("SELEC 1", "SELEC", ""),
        ("SELECT speaker + 1 FROM facts", "VARCHAR", ""),
    ],
)
def test_wrong_sql_is_told_with_near_names(lake, sql, word, near):
    error = refused(lake, sql)
    assert error.code == "QUERY_INVALID"
    assert word in error.message and near in (error.fix or "")


def test_a_lake_may_lie_in_a_folder_of_any_name(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "it's [a] 'lake', (really)")
    fill(lake)
    assert len(ask(lake, GOOD).rows) == 4
    compact_into(lake)
    assert len(ask(lake, GOOD).rows) == 4


def test_an_unknown_ref(lake):
    with pytest.raises(LakeError, match="REF_NOT_FOUND"):
        ask(lake, GOOD, ref="gone")
    assert len(ask(lake, GOOD).rows) == 4


def test_an_object_that_is_gone_is_the_lakes_fault(tmp_path):
    lake = EmbeddedLake.open(tmp_path / "lake")
    fill(lake)
    compact_into(lake)
    entry = lake.entry("main", "tables/facts.parquet")
    file = lake.local_file("main", entry)
    file.rename(file.with_suffix(".away"))
    with pytest.raises(LakeError, match="INTEGRITY"):
        ask(lake, "SELECT count(*) FROM facts WHERE luminance.mean > 0")
    assert ask(lake, "SELECT count(*) FROM videos").rows == [(4,)]


def test_the_locked_process_imports_nothing_of_ours():
    from hour_lake.catalog import locked_pipe

    assert "hour_lake" not in [line.split()[1].split(".")[0] for line in locked_pipe.SCRIPT.read_text().splitlines()
                               if line.lstrip().startswith(("import ", "from "))]  # fmt: skip
