"""What can go wrong with operations."""

from oneinbox.kit.errors import NotFound


class OperationNotFound(NotFound):
    """No operation of that id is in this workspace."""

    code = "OPERATION_NOT_FOUND"
