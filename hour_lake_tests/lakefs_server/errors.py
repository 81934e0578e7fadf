"""Errors as the API definition has them: a status and `{"message": ...}`."""

from typing import Any


class ApiError(Exception):
    """An answer that is not a success. `body` replaces the plain message where the definition has another model."""

    def __init__(
        self, status: int, message: str, *, body: dict[str, Any] | None = None, headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.body = body or {"message": message}
        self.headers = headers or {}


def not_found(what: str) -> ApiError:
    """404 for a repository, ref, object or import."""
    return ApiError(404, f"{what} not found")


def invalid(message: str) -> ApiError:
    """400, as the server words it: what it is about, then `validation error`."""
    return ApiError(400, f"{message}: validation error")
