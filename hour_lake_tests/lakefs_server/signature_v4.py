"""Checks AWS Signature Version 4, in the Authorization header or in the query of a presigned URL.

As AWS documents it ("Create a signed AWS API request"): a key for the day, region and service is derived from the
secret, and signs a text made of the request. Payloads are not checked against their hash: the gateway only reads.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from hour_lake_tests.lakefs_server.s3_errors import S3Error

ALGORITHM = "AWS4-HMAC-SHA256"
HEADER = re.compile(r"AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]+)")
SKEW = timedelta(minutes=15)
TIME = "%Y%m%dT%H%M%SZ"


class Claim(NamedTuple):
    """What a request says of its signature."""

    credential: str  # access key/day/region/service/aws4_request
    signed_headers: Sequence[str]
    signature: str
    time: str
    valid: timedelta
    payload: str


def is_signed(headers: Mapping[str, str], query: str) -> bool:
    """Whether a request carries a signature at all."""
    return headers.get("authorization", "").startswith(ALGORITHM) or "X-Amz-Signature=" in query


def check(method: str, raw_path: str, query: str, headers: Mapping[str, str], keys: Mapping[str, str]) -> None:
    """S3Error unless the request was signed with one of the keys (access key to secret key), not long ago."""
    pairs = parse_qsl(query, keep_blank_values=True)
    try:
        claim = _claim(headers, dict(pairs))
        access_key, day, region, service, _ = claim.credential.split("/")
        age = datetime.now(UTC) - datetime.strptime(claim.time, TIME).replace(tzinfo=UTC)
    except (KeyError, ValueError) as error:
        raise S3Error("AccessDenied", "Access Denied") from error
    secret = keys.get(access_key)
    if secret is None:
        raise S3Error("InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records.")
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    request = _canonical(method, raw_path, pairs, headers, claim)
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join((ALGORITHM, claim.time, scope, hashlib.sha256(request.encode()).hexdigest()))
    if not hmac.compare_digest(hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), claim.signature):
        raise S3Error("SignatureDoesNotMatch", "The request signature we calculated does not match the signature you "
                                               "provided. Check your key and signing method.")  # fmt: skip
    if not -SKEW <= age <= claim.valid:
        raise S3Error("AccessDenied", "Request has expired")


def _claim(headers: Mapping[str, str], query: Mapping[str, str]) -> Claim:
    found = HEADER.fullmatch(headers.get("authorization", ""))
    if found:
        payload = headers.get("x-amz-content-sha256", hashlib.sha256(b"").hexdigest())
        return Claim(found[1], found[2].split(";"), found[3], headers.get("x-amz-date", ""), SKEW, payload)
    return Claim(
        query["X-Amz-Credential"], query["X-Amz-SignedHeaders"].split(";"), query["X-Amz-Signature"],
        query["X-Amz-Date"], timedelta(seconds=int(query["X-Amz-Expires"])), "UNSIGNED-PAYLOAD",
    )  # fmt: skip


def _canonical(
    method: str, raw_path: str, pairs: Sequence[tuple[str, str]], headers: Mapping[str, str], claim: Claim
) -> str:
    """The text that is signed for; path and query in the one encoding that AWS defines, whatever the client's is."""
    sorted_query = "&".join(
        f"{name}={value}"
        for name, value in sorted((quote(n, safe="-_.~"), quote(v, safe="-_.~")) for n, v in pairs)
        if name != "X-Amz-Signature"
    )
    named = "".join(f"{name}:{' '.join(headers.get(name, '').split())}\n" for name in claim.signed_headers)
    path = quote(unquote(raw_path), safe="/-_.~")
    return "\n".join((method, path, sorted_query, named, ";".join(claim.signed_headers), claim.payload))
