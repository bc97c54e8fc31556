"""`oneinbox edge`."""

from oneinbox.app.edge.serve import serve
from oneinbox.app.process import run


def edge() -> None:
    """Run the SIP edge alone; `oneinbox up` runs it with everything else."""
    run("edge", serve)
