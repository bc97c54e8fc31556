"""What can go wrong with API keys."""

from oneinbox.kit.errors import Forbidden, NotFound, Unauthorized


class ApiKeyNotFound(NotFound):
    """No key of that id is in this workspace, or it was revoked."""

    code = "API_KEY_NOT_FOUND"


class InvalidApiKey(Unauthorized):
    """The request came without a key, or with one that isn't valid any more."""

    code = "INVALID_API_KEY"


class ScopeMissing(Forbidden):
    """The key is limited to scopes, and what it asks for is not among them; the message names what is missing."""

    code = "SCOPE_MISSING"
