"""What can go wrong with trunks."""

from oneinbox.kit.errors import NotFound


class TrunkNotFound(NotFound):
    """No trunk of that id exists any more."""

    code = "TRUNK_NOT_FOUND"
