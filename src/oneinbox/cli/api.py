"""`oneinbox api`."""

from oneinbox.app.api.serve import serve
from oneinbox.app.process import run


def api() -> None:
    """Run the REST API alone; `oneinbox up` runs it with everything else."""
    run("api", serve)
