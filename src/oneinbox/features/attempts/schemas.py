"""What an attempt reached inside the deployment."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reached:
    """The number that an INVITE was for, once it is known."""

    number: str
    phone_id: str
    workspace_id: str
