"""What can go wrong with API keys."""

from oneinbox.kit.errors import NotFound, Unauthorized


class ApiKeyNotFound(NotFound):
    """No key of that id is in this workspace, or it was revoked."""

    code = "API_KEY_NOT_FOUND"


class InvalidApiKey(Unauthorized):
    """The request came without a key, or with one that isn't valid any more."""

    code = "INVALID_API_KEY"
