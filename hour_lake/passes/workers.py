"""A pool of warm worker processes: results as they are done, a wall time limit a task; a task that kills its worker
costs itself and nothing else.

    map() -> jobs -> slot thread -> worker process        one thread and one channel a worker; the thread only waits,
                     slot thread -> worker process        so workers go on while the caller is busy with a result
"""

import threading
import weakref
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from queue import SimpleQueue
from typing import Any, TypeVar

from hour_lake.errors import HourLakeError
from hour_lake.passes import wire
from hour_lake.passes.process import WorkerProcess, with_place
from hour_lake.passes.worker import unexpected

Task = TypeVar("Task")
Result = TypeVar("Result")
AHEAD = 8  # tasks handed out for each worker: they go on while the caller is busy landing results for a while


@dataclass
class _Round:
    """One call of `map`."""

    function: str
    seconds: float
    results: SimpleQueue[tuple[Any, Any]] = field(default_factory=SimpleQueue[tuple[Any, Any]])
    over: bool = False


class Workers:
    """`with Workers(2) as workers: for task, result in workers.map(run_segment, tasks): ...`

    Processes start with the first tasks and stay for the next `map`. `memory_gib` limits the address space of each;
    None sets no limit, as GPU work needs. The function must be importable; see `wire` for what tasks may hold.
    """

    def __init__(self, count: int, *, seconds: float = 300.0, memory_gib: float | None = 4.0) -> None:
        if count < 1:
            raise ValueError(f"{count} workers")
        self.count = count
        self._seconds = seconds
        self._slots = _Slots(memory_gib)
        # Also at exit: a pool that nobody closed must not keep its processes a moment longer.
        self._finalizer = weakref.finalize(self, _Slots.stop, self._slots)

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Kill all worker processes, also in the middle of a task; a `map` that is at work gives WORKER_CLOSED."""
        self._finalizer()

    def map(
        self, function: Callable[[Task], Result], tasks: Iterable[Task], *, seconds: float | None = None
    ) -> Iterator[tuple[Task, Result | HourLakeError]]:
        """Each task once with its result or a coded error, as they are done; at most AHEAD tasks a worker drawn ahead.

        Codes besides the task's own: DECODER_TIMEOUT after `seconds`, DECODER_CRASH (with the signal), WORKER_MEMORY,
        WORKER_CLOSED for what was not done when another thread closed the pool. Leaving the loop early kills what is
        still at work.
        """
        if not self._finalizer.alive:
            raise RuntimeError("these workers are closed")
        this = _Round(wire.name_of(function), seconds or self._seconds)
        waiting, open_tasks = iter(tasks), 0
        try:
            for task in islice(waiting, AHEAD * self.count):
                open_tasks += self._hand_out(this, task, open_tasks)
            while open_tasks:
                task, result = this.results.get()
                open_tasks -= 1
                for following in islice(waiting, 1):
                    open_tasks += self._hand_out(this, following, open_tasks)
                yield task, result
        finally:
            this.over = True
            if open_tasks:
                self._slots.drop(this)

    def _hand_out(self, this: _Round, task: Any, open_tasks: int) -> int:
        self._slots.take(this, task, min(self.count, open_tasks + 1))
        return 1


class _Slots:
    """The threads, each with at most one process and one task; it knows no `Workers`, so those can be collected."""

    def __init__(self, memory_gib: float | None) -> None:
        self._jobs: SimpleQueue[tuple[_Round, Any] | None] = SimpleQueue()
        self._memory_gib = memory_gib
        self._threads: list[threading.Thread] = []
        self._busy: dict[int, tuple[_Round, WorkerProcess]] = {}
        self._processes: dict[int, WorkerProcess] = {}
        self._lock = threading.Lock()
        self._stopped = False

    def take(self, this: _Round, task: Any, count: int) -> None:
        """Put a task in line, for at least so many slots; once they are stopped it is answered at once."""
        with self._lock:
            if self._stopped:
                this.results.put((task, with_place(_closed(), task)))
                return
            self._grow(count)
            self._jobs.put((this, task))

    def _grow(self, count: int) -> None:
        while len(self._threads) < count:
            slot = len(self._threads)
            thread = threading.Thread(target=self._work, args=(slot,), name=f"worker-{slot}", daemon=True)
            self._threads.append(thread)
            thread.start()

    def drop(self, this: _Round) -> None:
        """Kill what is at work for a round that nobody waits for."""
        with self._lock:
            for of, process in self._busy.values():
                if of is this:
                    process.end()

    def stop(self) -> None:
        """Kill all, and wait for the threads, which answer what is still in line."""
        with self._lock:
            self._stopped = True
            for process in self._processes.values():
                process.end()
        for _ in self._threads:
            self._jobs.put(None)
        for thread in self._threads:
            thread.join(timeout=5)
        for process in self._processes.values():
            process.kill()

    def _work(self, slot: int) -> None:
        while (job := self._jobs.get()) is not None:
            this, task = job
            if this.over:
                continue
            try:
                result = self._done(slot, this, task)
            except Exception as error:  # whatever it is, the caller must not wait for ever
                result = unexpected(error)
            this.results.put((task, with_place(result, task) if isinstance(result, HourLakeError) else result))

    def _done(self, slot: int, this: _Round, task: Any) -> Any:
        with self._lock:
            if self._stopped:
                return _closed()
            process = self._processes.get(slot)
            if process is None or not process.alive:
                process = self._processes[slot] = WorkerProcess(memory_gib=self._memory_gib)
            self._busy[slot] = (this, process)
        try:
            result = process.ask(this.function, task, seconds=this.seconds)
        finally:
            with self._lock:
                del self._busy[slot]
        died = isinstance(result, HourLakeError) and result.code in ("DECODER_CRASH", "WORKER_START")
        return _closed() if died and self._stopped else result  # it is us who killed it, so the task is not to blame


def _closed() -> HourLakeError:
    return HourLakeError("WORKER_CLOSED", "the workers were closed before this was done", fix="run it again")
