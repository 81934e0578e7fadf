"""The `hour-lake` command; what it does lies in the rings below, this only reads arguments and shows answers."""

import sys


def main() -> None:
    """Entry point: a user's mistake ends with a coded message and exit status 1, never with a traceback."""
    from hour_lake.cli.app import app
    from hour_lake.cli.console import show_error
    from hour_lake.errors import HourLakeError

    try:
        app()
    except HourLakeError as error:
        show_error(error)
        sys.exit(1)
