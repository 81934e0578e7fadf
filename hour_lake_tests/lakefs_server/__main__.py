"""The command line: `python -m hour_lake_tests.lakefs_server --port 8000 --access-key K --secret-key S --root DIR`."""

import argparse
import os
import signal
import sys
import threading
from pathlib import Path
from typing import get_args

from hour_lake_tests.lakefs_server import __doc__ as about
from hour_lake_tests.lakefs_server.server import Server
from hour_lake_tests.lakefs_server.serving import serve
from hour_lake_tests.lakefs_server.settings import EmptyMerge, MetadataKeys, Relink, SameChange, Settings


def main() -> None:
    """Read the options, make the repositories that are asked for, serve."""
    options = _parser().parse_args()
    wanted = vars(options)
    host, port, repositories = (wanted.pop(name) for name in ("host", "port", "repository"))
    if wanted.pop("until_stdin_ends"):
        threading.Thread(target=_end_with_stdin, daemon=True).start()
    server = Server(Settings(**wanted))
    for name in repositories:
        if name not in server.repositories:
            server.create(name, f"s3://stand-in/{name}")
    serve(server, host=host, port=port)


def _end_with_stdin() -> None:
    """Whoever started us holds the other end: when it is killed, we do not stay behind."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m hour_lake_tests.lakefs_server", description=about,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000, help="0 picks a free one; the address is printed")
    parser.add_argument("--access-key", required=True)
    parser.add_argument("--secret-key", required=True)
    parser.add_argument("--root", type=Path, required=True, help="the folder that everything is kept in")
    parser.add_argument("--s3-root", type=Path, help="s3://bucket/key is the file bucket/key in here, to import from")
    parser.add_argument("--repository", action="append", default=[], help="make it if it is not there; repeatable")
    parser.add_argument("--same-change", choices=get_args(SameChange), default="clean")
    parser.add_argument("--empty-merge", choices=get_args(EmptyMerge), default="fail")
    parser.add_argument("--relink", choices=get_args(Relink), default="refuse")
    parser.add_argument("--metadata-keys", choices=get_args(MetadataKeys), default="lower")
    parser.add_argument("--metadata-bytes", type=int, default=2048, help="how much may be said of one object")
    parser.add_argument("--presign", choices=("on", "off"), default="on")
    parser.add_argument("--presign-seconds", type=float, default=900.0, help="how long a presigned URL works")
    parser.add_argument("--link-seconds", type=float, default=6 * 3600.0, help="how long an address can be linked")
    parser.add_argument("--import-seconds", type=float, default=0.0, help="how long an import takes at least")
    parser.add_argument("--until-stdin-ends", action="store_true", help="end when standard input does")
    return parser


if __name__ == "__main__":
    main()
