"""One part of a form as RFC 7578 has it, which is how the generated clients upload."""

import re

from hour_lake_tests.lakefs_server.call import Body
from hour_lake_tests.lakefs_server.errors import invalid
from hour_lake_tests.lakefs_server.records import DEFAULT_CONTENT_TYPE

BOUNDARY = re.compile(r'boundary="?([^";]+)"?')


def part(body: Body, content_type: str, name: str) -> tuple[Body, str]:
    """The part with a name, and its content type; 400 without it."""
    boundary = BOUNDARY.search(content_type)
    if boundary is None:
        raise invalid("request body: form without a boundary")
    for text in (b"\r\n" + body.read()).split(f"\r\n--{boundary[1]}".encode())[1:]:
        head, _, content = text.partition(b"\r\n\r\n")
        header = head.decode("latin-1")
        if re.search(rf'[; ]name="{name}"', header):
            found = Body()
            found.add(content)
            kind = re.search(r"(?im)^content-type:\s*(.+?)\s*$", header)
            return found, kind[1] if kind else DEFAULT_CONTENT_TYPE
    raise invalid(f"request body: form without a part {name!r}")
