"""What can go wrong with phone numbers."""

from oneinbox.kit.errors import BadRequest, Conflict, NotFound, Unavailable


class PhoneNumberNotFound(NotFound):
    """No phone number of that id is in this workspace."""

    code = "PHONE_NUMBER_NOT_FOUND"


class PhoneNumberTaken(Conflict):
    """The number is registered already; the id is named only to the workspace that has it."""

    code = "PHONE_NUMBER_TAKEN"


class RegisteredMeanwhile(Unavailable):
    """The same request, sent again, was carried out at the same time: sent once more, it finds its number."""

    code = "OPERATION_GOES_ON"


class SipTrunkProvisionFailed(BadRequest):
    """Some of the three SIP values are missing; the message names them and where they can be given."""

    code = "SIP_TRUNK_PROVISION_FAILED"
