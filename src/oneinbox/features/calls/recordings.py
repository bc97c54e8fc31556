"""Links to recordings: signed, valid for hours, and where the file behind one lies."""

from datetime import datetime, timedelta
from pathlib import Path

from oneinbox.features.calls import repository
from oneinbox.features.calls.errors import RecordingLinkExpired, RecordingLinkInvalid, RecordingNotFound
from oneinbox.features.calls.models import Call
from oneinbox.features.context import Links, Visit
from oneinbox.kit.signing import sign, verify

VALID_FOR = timedelta(hours=4)
PURPOSE = "recording"


def link(links: Links, call: Call, now: datetime) -> str | None:
    """A URL that gives the call's recording for VALID_FOR; None when it has none."""
    if call.recording_path is None:
        return None
    expires = str(int((now + VALID_FOR).timestamp()))
    signature = sign(links.key, PURPOSE, call.id, expires)
    return f"{links.public_url}/v1/calls/{call.id}/recording?expires={expires}&signature={signature}"


async def behind(visit: Visit, call_id: str, expires: int, signature: str) -> Path:
    """The file behind a link. Raises RecordingLinkInvalid, RecordingLinkExpired, RecordingNotFound."""
    if not verify(visit.ports.links.key, signature, PURPOSE, call_id, str(expires)):
        raise RecordingLinkInvalid("This link was not signed here. Fetch the call again for its recording_url.")
    if expires < visit.clock.now().timestamp():
        raise RecordingLinkExpired("This link has expired. Fetch the call again for a new one.")
    call = await repository.find(visit.session, call_id)
    path = visit.ports.links.recordings / call.recording_path if call and call.recording_path else None
    if path is None or not path.is_file():
        raise RecordingNotFound("The recording is no longer there.")
    return path
