"""Errors as S3 words them, in XML; also those of presigned URLs."""

from xml.sax.saxutils import escape

from starlette.responses import Response

STATUS = {
    "AccessDenied": 403, "SignatureDoesNotMatch": 403, "InvalidAccessKeyId": 403, "NoSuchKey": 404, "NoSuchBucket": 404,
    "InvalidRange": 416, "InvalidArgument": 400, "NotImplemented": 501, "PreconditionFailed": 412,
}  # fmt: skip


class S3Error(Exception):
    """One of S3's codes."""

    def __init__(self, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.headers = headers or {}


def answer(error: S3Error, *, resource: str) -> Response:
    """The document that clients of S3 expect."""
    text = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{error.code}</Code><Message>{escape(error.message)}</Message>"
        f"<Resource>{escape(resource)}</Resource><RequestId>stand-in</RequestId></Error>"
    )
    return Response(text, STATUS[error.code], error.headers, "application/xml")
