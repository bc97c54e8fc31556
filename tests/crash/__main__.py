"""`make test-crash`: the whole matrix. Prints what was wrong, then how many of how many came out right."""

import asyncio
import sys
import tempfile
from pathlib import Path

from tests.crash.deployment import Crashable, crashable
from tests.crash.matrix import MATRIX
from tests.crash.scenes import Stage, agent_of, batches


def main() -> int:
    """0 when everything came out right."""
    with tempfile.TemporaryDirectory(prefix="oneinbox-crash-") as folder, crashable(Path(folder)) as deployment:
        return asyncio.run(_play(deployment))


async def _play(deployment: Crashable) -> int:
    stage, groups = Stage(deployment, await agent_of(deployment)), batches(MATRIX)
    for number, group in enumerate(groups, 1):
        await stage.play(group)
        if sys.stderr.isatty():
            sys.stderr.write(f"\r{number} of {len(groups)} groups")
    for scenario, wrong in stage.failures.items():
        print(f"{scenario}: {wrong}")
    print(f"{len(MATRIX) - len(stage.failures)} of {len(MATRIX)}")
    return 1 if stage.failures else 0


if __name__ == "__main__":
    sys.exit(main())
