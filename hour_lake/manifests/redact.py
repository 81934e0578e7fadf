"""Addresses without their secrets: what may stand in messages and names, and what stays the same when signed anew."""

import re
from urllib.parse import urlsplit

# Names that signed addresses carry: AWS and Google (by prefix), CloudFront, S3's older form, Azure's shared access.
SIGNING_PREFIXES = ("x-amz-", "x-goog-")
SIGNATURES = frozenset({"sig", "signature"})
SIGNED_WITH = frozenset(
    {"sig", "signature", "expires", "policy", "key-pair-id", "awsaccesskeyid", "googleaccessid",
     "sv", "ss", "srt", "sr", "sp", "st", "se", "sip", "spr", "skoid", "sktid", "skt", "ske", "sks", "skv"}
)  # fmt: skip
USER = re.compile(r"//[^/\s@]*@")
SECRET = re.compile(
    r"(?i)([?&](?:x-amz-[a-z-]+|x-goog-[a-z-]+|sig|signature|policy|[a-z_-]*(?:token|secret|password|key))=)[^&\s#]*"
)


def redacted(text: str) -> str:
    """A text from outside with user names, passwords and signatures of the addresses in it blotted out."""
    return SECRET.sub(r"\1***", USER.sub("//***@", text))


def unsigned(address: str) -> str:
    """An address without its signature, so that one object signed twice is one object.

    `unsigned("https://h/a.mp4?X-Amz-Date=1&take=2") == "https://h/a.mp4?take=2"`
    """
    base, mark, query = address.partition("#")[0].partition("?")
    if not mark or not base.lower().startswith(("http://", "https://")):
        return address
    parts = query.split("&")
    names = [part.partition("=")[0].lower() for part in parts]
    signing = SIGNED_WITH if SIGNATURES & set(names) else frozenset[str]()
    kept = [
        part for name, part in zip(names, parts, strict=True)
        if name not in signing and not name.startswith(SIGNING_PREFIXES)
    ]  # fmt: skip
    return f"{base}?{'&'.join(kept)}" if kept else base


def place(address: str) -> str:
    """Where an address leads, for messages: no user, no query."""
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
