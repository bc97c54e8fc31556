"""`oneinbox jobs`."""

from oneinbox.app.jobs.serve import serve
from oneinbox.app.process import run


def jobs() -> None:
    """Run the jobs process alone; `oneinbox up` runs it with everything else."""
    run("jobs", serve)
