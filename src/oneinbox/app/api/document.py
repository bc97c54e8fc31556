"""The OpenAPI document: what FastAPI derives, and for every operation the errors that it can answer with."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

TITLE = "OneInbox API"
VERSION = "1.0.0"
TAGS = ("health", "llm-models", "agents", "phone-numbers", "operations", "calls", "api-keys", "auth", "audit-events")
AS_THE_CONTRACT_HAS_IT = ("/v1/phone-numbers", "post")
"""Its declared responses stay those of the contract."""

ERROR = {
    "title": "ErrorResponse",
    "type": "object",
    "description": "Every error except 422.",
    "required": ["detail", "code", "request_id"],
    "properties": {
        "detail": {"type": "string", "title": "Detail", "description": "A sentence."},
        "code": {"type": "string", "title": "Code", "description": "Stable; what programs decide by."},
        "request_id": {"type": "string", "title": "Request Id"},
    },
}
IDEMPOTENCY = {
    "name": "Idempotency-Key",
    "in": "header",
    "required": False,
    "schema": {"type": "string", "pattern": "^[!-~]{1,255}$", "title": "Idempotency-Key"},
    "description": "The same request under the same key is carried out once within 24 hours, also across crashes, and "
    "answered alike. Works on every POST.",
}
SENTENCES = {
    "400": "The request can't be carried out as it stands; a secret key in a URL is refused so too.",
    "401": "No valid API key or token came with the request.",
    "403": "The credential, or the link, does not allow this.",
    "404": "Something named in the request is not in this workspace.",
    "409": "The request contradicts what is there.",
    "410": "The link has expired.",
    "413": "The body is too large.",
    "429": "Too many requests; Retry-After says when to try again.",
    "500": "Something went wrong on our side.",
    "502": "Something outside did not do its part.",
    "503": "A part of the deployment is away at the moment.",
}
ALSO = {
    ("/v1/models/{model_id}", "delete"): ("409",),
    ("/v1/models", "post"): ("404",),
    ("/v1/agents", "post"): ("404",),
    AS_THE_CONTRACT_HAS_IT: ("404", "409", "502"),
    ("/v1/phone-numbers/{phone_id}", "delete"): ("409", "502"),
    ("/v1/phone-numbers/{phone_id}", "patch"): ("400", "409", "502"),
    ("/v1/calls/{call_id}/recording", "get"): ("403", "410"),
    ("/v1/auth/signup", "post"): ("403", "409"),
    ("/v1/auth/login", "post"): ("401",),
}


def document(app: FastAPI) -> dict[str, Any]:
    """The document of the application's routes, made once."""
    if app.openapi_schema is None:
        made = get_openapi(title=TITLE, version=VERSION, routes=app.routes)
        made |= {"security": [], "tags": [{"name": name} for name in TAGS]}
        made["components"]["schemas"]["ErrorResponse"] = ERROR
        for path, operations in made["paths"].items():
            for method in operations:
                if (path, method) != AS_THE_CONTRACT_HAS_IT:
                    with_errors(made, path, method)
        app.openapi_schema = made
    return app.openapi_schema


def with_errors(made: dict[str, Any], path: str, method: str) -> dict[str, Any]:
    """The document, to which one operation's errors and its `Idempotency-Key` are added."""
    operation = made["paths"][path][method]
    if method == "post" and operation.get("security"):
        operation["parameters"] = [*operation.get("parameters", []), IDEMPOTENCY]
    operation["responses"] |= {status: _error(status) for status in _errors(path, method, operation)}
    return made


def _errors(path: str, method: str, operation: dict[str, Any]) -> list[str]:
    statuses = {"400", "429", "500", "503", *ALSO.get((path, method), ())}
    if operation.get("security"):
        statuses |= {"401", "403"}
    if "{" in path:
        statuses.add("404")
    if "requestBody" in operation:
        statuses.add("413")
    return sorted(statuses)


def _error(status: str) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/ErrorResponse"}
    return {"description": SENTENCES[status], "content": {"application/json": {"schema": schema}}}
