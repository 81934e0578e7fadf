"""Workers: a task that hangs, dies or eats memory costs itself only; nothing outlives the parent."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hour_lake.errors import HourLakeError
from hour_lake.passes.workers import AHEAD, Workers
from hour_lake_tests.toy_work import Job, echo, work


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    with Workers(2, memory_gib=2) as pool:
        yield pool


def results(workers: Workers, jobs: list[Job], **more: Any) -> dict[str, Any]:
    return {job.segment_id: result for job, result in workers.map(work, jobs, **more)}


def is_gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def wait_until_gone(pid: int) -> bool:
    deadline = time.monotonic() + 10
    while not is_gone(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return is_gone(pid)


def test_every_task_comes_back_once_and_processes_are_used_again(workers: Workers) -> None:
    jobs = [Job(f"s{k}", "good", k) for k in range(40)]
    first, second = results(workers, jobs), results(workers, jobs)
    assert {name: number for name, (number, _) in first.items()} == {f"s{k}": k for k in range(40)}
    pids = {pid for _, pid in [*first.values(), *second.values()]}
    assert 1 <= len(pids) <= 2 and os.getpid() not in pids


POISON: dict[str, tuple[str, str | None]] = {
    "hang": ("DECODER_TIMEOUT", "3 s"),
    "segv": ("DECODER_CRASH", "SIGSEGV"),
    "kill": ("DECODER_CRASH", "SIGKILL"),
    "abrt": ("DECODER_CRASH", "SIGABRT"),
    "leave": ("DECODER_CRASH", "exit status 3"),
    "memory": ("WORKER_MEMORY", None),
    "exit": ("UNEXPECTED", "3"),
    "raise": ("UNEXPECTED", "no such thing"),
    "coded": ("TRUNCATED", "1 of 2"),
    "function": ("UNEXPECTED", "a function cannot travel between processes"),
}


def test_a_poisoned_task_costs_itself_only(workers: Workers) -> None:
    jobs = [job for k, kind in enumerate(POISON) for job in (Job(f"good{k}", "good", k), Job(kind, kind))]
    found = results(workers, jobs, seconds=3)
    assert [found[f"good{k}"][0] for k in range(len(POISON))] == list(range(len(POISON)))
    bad = {kind: found[kind] for kind in POISON}
    assert {kind: (error.code, error.value) for kind, error in bad.items()} == POISON
    assert all(error.where for error in bad.values())
    assert [bad[kind].where for kind in ("hang", "segv", "memory")] == ["hang", "segv", "memory"]


def test_an_idle_worker_that_is_killed_is_replaced(workers: Workers) -> None:
    for pid in {pid for _, pid in results(workers, [Job(f"s{k}", "slow", k) for k in range(4)]).values()}:
        os.kill(pid, signal.SIGKILL)
        assert wait_until_gone(pid)
    after = results(workers, [Job(f"s{k}", "good", k) for k in range(6)])
    assert sorted(number for number, _ in after.values()) == list(range(6))


def test_what_a_task_started_ends_with_it(workers: Workers, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    (error,) = results(workers, [Job(str(note), "hang with child")], seconds=2).values()
    assert error.code == "DECODER_TIMEOUT"
    assert wait_until_gone(int(note.read_text()))


def test_tasks_are_drawn_as_results_are_taken(workers: Workers) -> None:
    drawn: list[int] = []

    def jobs() -> Iterator[Job]:
        for k in range(100):
            drawn.append(k)
            yield Job(f"s{k}", "good", k)

    for taken, _ in enumerate(workers.map(work, jobs()), start=1):
        assert len(drawn) <= taken + AHEAD * workers.count


def test_leaving_early_ends_what_is_at_work_and_the_pool_goes_on(workers: Workers, tmp_path: Path) -> None:
    notes = [tmp_path / "one"]
    loop = workers.map(work, [Job("s0", "good"), Job(str(notes[0]), "sleep"), Job("s1", "slow"), Job("s2", "slow")])
    assert not isinstance(next(loop)[1], HourLakeError)
    deadline = time.monotonic() + 10
    while not (notes[0].is_file() and notes[0].read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    loop.close()  # type: ignore[attr-defined]
    assert wait_until_gone(int(notes[0].read_text()))
    assert results(workers, [Job("again", "good", 7)])["again"][0] == 7


def test_a_worker_sees_no_secrets_and_loads_little(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary")
    monkeypatch.setenv("HTTPS_PROXY", "http://canary")
    monkeypatch.setenv("HOUR_LAKE_MODELS", "/models")
    with Workers(1, memory_gib=3) as fresh:
        (facts,) = results(fresh, [Job("s", "facts")]).values()
    environment = facts["environment"]
    assert "canary" not in str(environment)
    assert (environment["HOUR_LAKE_MODELS"], environment["OMP_NUM_THREADS"]) == ("/models", "1")
    assert facts["address_space"] == 3 * 2**30 and facts["session"]
    heavy = {"dagster", "duckdb", "pandas", "pyarrow", "numpy", "cv2", "av", "pydantic", "typer"}
    assert not heavy & set(facts["modules"])


def test_output_of_a_task_does_not_mix_with_ours(tmp_path: Path) -> None:
    code = (
        "from hour_lake.passes.workers import Workers; from hour_lake_tests.toy_work import Job, work\n"
        "with Workers(1) as w: print(list(w.map(work, [Job('s', 'noise')]))[0][1])"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())
    assert (ran.stdout, ran.stderr) == ("printed\n", "a layer that prints\n")


def test_no_task_is_lost_when_the_caller_is_slow_and_results_are_large(workers: Workers) -> None:
    payloads = [bytes([k]) * 2_000_000 for k in range(6)]
    seen: list[bytes] = []
    for task, result in workers.map(echo, payloads):
        time.sleep(0.02)
        assert result == task
        seen.append(task)
    assert sorted(seen) == payloads


def test_a_worker_that_does_not_start_says_so(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    with Workers(1) as broken, monkeypatch.context() as patch:
        patch.setattr(sys, "executable", "/bin/false")
        (error,) = results(broken, [Job("s", "good")]).values()
        assert (error.code, error.value, error.where) == ("WORKER_START", "exit status 1", "s")
        patch.undo()
        assert results(broken, [Job("s", "good", 4)])["s"][0] == 4


def test_closed_workers_take_nothing() -> None:
    pool = Workers(1)
    assert results(pool, [Job("s", "good", 1)])["s"][0] == 1
    pool.close()
    with pytest.raises(RuntimeError, match="closed"):
        results(pool, [Job("s", "good")])
    with pytest.raises(ValueError, match="0 workers"):
        Workers(0)


def test_closing_from_another_thread_answers_what_is_at_work_and_in_line(tmp_path: Path) -> None:
    notes = [tmp_path / f"note{k}" for k in range(AHEAD + 4)]
    pool = Workers(1)
    found: list[tuple[Job, Any]] = []
    jobs = [Job(str(note), "sleep") for note in notes]
    user = threading.Thread(target=lambda: found.extend(pool.map(work, jobs)), daemon=True)
    user.start()
    deadline = time.monotonic() + 20
    while not (notes[0].is_file() and notes[0].read_text()) and time.monotonic() < deadline:
        time.sleep(0.02)
    pool.close()
    user.join(timeout=20)
    assert not user.is_alive()
    assert sorted(job.segment_id for job, _ in found) == sorted(map(str, notes))  # also those that were not drawn yet
    assert {(error.code, error.where == job.segment_id, error.passing) for job, error in found} == {
        ("WORKER_CLOSED", True, True)
    }
    assert [note.exists() for note in notes] == [True] + [False] * (len(notes) - 1)


PARENT = """
import sys
from hour_lake.passes.workers import AHEAD, Workers
from hour_lake_tests.toy_work import Job, work
with Workers(2) as workers:
    list(workers.map(work, [Job(note, "sleep") for note in sys.argv[1:]]))
"""


def _plain_signals() -> None:
    """A shell in the background leaves SIGINT ignored to what it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_the_parent(tmp_path: Path, sent: signal.Signals) -> None:
    notes = [tmp_path / "one", tmp_path / "two"]
    command = [sys.executable, "-c", PARENT, *map(str, notes)]
    parent = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, preexec_fn=_plain_signals)
    deadline = time.monotonic() + 20
    while not all(note.is_file() and note.read_text() for note in notes) and time.monotonic() < deadline:
        time.sleep(0.02)
    pids = [int(note.read_text()) for note in notes]
    parent.send_signal(sent)
    said = parent.communicate(timeout=60)[1]
    assert parent.returncode == -sent
    assert all(wait_until_gone(pid) for pid in pids)
    assert ("KeyboardInterrupt" in said) == (sent == signal.SIGINT)
