"""A stand-in in a process of its own for the length of a `with` block."""

import json
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"  # noqa: S105  AWS' own example
HEADROOM_SECONDS = 5.0


@dataclass
class Running:
    """A server that answers at `endpoint`, like http://127.0.0.1:41234."""

    endpoint: str
    access_key: str
    secret_key: str
    process: "subprocess.Popen[str]"

    def fault(self, kind: str, **more: Any) -> None:
        """Order a fault; see `faults` for kinds and fields."""
        self._ask("POST", "/_faults", {"kind": kind, **more})

    def clear_faults(self) -> None:
        """Forget the faults that have not happened yet."""
        self._ask("DELETE", "/_faults")

    def waiting_faults(self) -> list[dict[str, Any]]:
        """Faults that have not happened as often as they were ordered."""
        return self._ask("GET", "/_faults")

    def log(self) -> list[dict[str, Any]]:
        """The requests seen so far, without those about faults."""
        return self._ask("GET", "/_faults/log")

    def clear_log(self) -> None:
        """Forget the requests seen so far."""
        self._ask("DELETE", "/_faults/log")

    def kill(self) -> None:
        """End the process like a power cut would."""
        self.process.kill()
        self.process.wait()

    def _ask(self, method: str, path: str, body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.endpoint + path, data, {"Content-Type": "application/json"}, method=method)
        with urlopen(request, timeout=HEADROOM_SECONDS) as answer:
            text = answer.read()
        return json.loads(text) if text else None


@contextmanager
def running(
    root: Path, *, repository: str | None = "test-lake", port: int = 0, s3_root: Path | None = None, **options: Any
) -> Generator[Running]:
    """Start a server on a free port, with one repository; `options` are those of the command line, with underscores."""
    wanted = {"port": port, "access_key": ACCESS_KEY, "secret_key": SECRET_KEY, "root": root, "s3_root": s3_root,
              "repository": repository, **options}  # fmt: skip
    command = [sys.executable, "-m", "hour_lake_tests.lakefs_server", "--until-stdin-ends"]
    for name, value in wanted.items():
        if value is not None:
            command += [f"--{name.replace('_', '-')}", str(value)]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    try:
        assert process.stdout is not None
        endpoint = process.stdout.readline().strip()
        if not endpoint:
            raise RuntimeError(f"the stand-in did not start; it ended with {process.wait()}")
        yield Running(endpoint, ACCESS_KEY, SECRET_KEY, process)
    finally:
        process.terminate()
        try:
            process.wait(HEADROOM_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()
