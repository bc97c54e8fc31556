"""What can go wrong with calls."""

from oneinbox.kit.errors import Forbidden, NotFound, OneInboxError


class CallNotFound(NotFound):
    """No call of that id is in this workspace."""

    code = "CALL_NOT_FOUND"


class RecordingNotFound(NotFound):
    """The call has no recording, or its file is no longer there."""

    code = "RECORDING_NOT_FOUND"


class RecordingLinkInvalid(Forbidden):
    """The signature does not belong to this call and this expiry."""

    code = "RECORDING_LINK_INVALID"


class RecordingLinkExpired(OneInboxError):
    """The link was good once; fetch the call again for a new one."""

    status = 410
    code = "RECORDING_LINK_EXPIRED"
