"""Is there someone to answer calls?"""

from oneinbox.features.context import Visit
from oneinbox.features.health.schemas import HealthResponse
from oneinbox.features.workers import service as workers


async def look(visit: Visit) -> HealthResponse:
    """The state of the deployment; that its database answers is shown by there being an answer."""
    ready = await workers.count_ready(visit.session)
    return HealthResponse(status="ok" if ready else "degraded", voice_workers=ready, version=visit.ports.version)
