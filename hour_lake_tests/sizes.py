"""How much the long tests do: what is written in them, other numbers at night, or a multiple of what is written.

`HOUR_LAKE_NIGHT=1` takes the numbers for the night, `HOUR_LAKE_NIGHT=0.1` or `=30` a tenth or thirty times the usual.
"""

import os

NIGHT = os.environ.get("HOUR_LAKE_NIGHT", "")


def size(usual: int, *, night: int) -> int:
    """How often to do something; at least once."""
    if NIGHT in ("", "0"):
        return usual
    return night if NIGHT == "1" else max(1, round(usual * float(NIGHT)))
