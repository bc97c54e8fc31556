"""Every table of the database, so that foreign keys between features are known wherever it is used."""

from sqlalchemy import MetaData

from oneinbox.features.agents import models as agents
from oneinbox.features.api_keys import models as api_keys
from oneinbox.features.attempts import models as attempts
from oneinbox.features.audit_events import models as audit_events
from oneinbox.features.auth import models as auth
from oneinbox.features.calls import models as calls
from oneinbox.features.llm_models import models as llm_models
from oneinbox.features.phone_numbers import models as phone_numbers
from oneinbox.features.trunks import models as trunks
from oneinbox.features.workers import models as workers
from oneinbox.features.workspaces import models as workspaces
from oneinbox.kit import idempotency, signing, steps
from oneinbox.kit.db import Base

FEATURES = (agents, api_keys, attempts, audit_events, auth, calls, llm_models, phone_numbers, trunks, workers)
ROOMS = (*FEATURES, workspaces, idempotency, signing, steps)


def metadata() -> MetaData:
    """The tables of all rooms."""
    return Base.metadata
