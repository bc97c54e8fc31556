"""`make test-crash`: the whole matrix. Prints what was wrong, then how many of how many came out right."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.crash.deployment import crashable
from tests.crash.matrix import MATRIX
from tests.crash.scenes import Stage, agent_of, batches


def main() -> int:
    """0 when everything came out right."""
    with tempfile.TemporaryDirectory(prefix="oneinbox-crash-") as folder, crashable(Path(folder)) as deployment:
        return asyncio.run(_play(deployment))


async def _play(deployment) -> int:  # type: ignore[no-untyped-def]
    stage = Stage(deployment, await agent_of(deployment))
    for number, batch in enumerate(batches(MATRIX)):
        await stage.play(batch)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number + 1} of {len(batches(MATRIX))} groups")
    for scenario, wrong in stage.failures.items():
        print(f"{scenario}: {wrong}")
    print(f"{len(MATRIX) - len(stage.failures)} of {len(MATRIX)}")
    return 1 if stage.failures else 0


if __name__ == "__main__":
    sys.exit(main())
