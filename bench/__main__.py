"""`python -m bench [--only NAME,…] [--scale 0.1]`: run the parts, print their figures with the machine's facts."""

import argparse
import os
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path

from bench import calls, edge, flood, load, lookup, machine, memory, reading, register, turns, voices
from bench.figures import Figure, table
from bench.world import World

PARTS: dict[str, Callable[[World], list[Figure]]] = {
    "voices": voices.measure,
    "register": register.measure,
    "reading": reading.measure,
    "lookup": lookup.measure,
    "edge": edge.measure,
    "flood": flood.measure,
    "calls": calls.measure,
    "turns": turns.measure,
    "load": load.measure,
}
ON_REQUEST: dict[str, Callable[[World], list[Figure]]] = {"rss": memory.measure}
"""Parts that take many minutes: run when they are named."""


def main() -> None:
    """Run what is asked for; ends with 1 when a part broke."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--only", type=_parts, default=list(PARTS), help=f"of {', '.join(PARTS | ON_REQUEST)}")
    parser.add_argument("--scale", type=float, default=1.0, help="of the sample counts; below 1 to try it out")
    wanted = parser.parse_args()
    print("\n".join(machine.facts()), flush=True)
    with tempfile.TemporaryDirectory(prefix="oneinbox-bench-") as folder:
        world = World(Path(folder), wanted.scale)
        try:
            broken = [name for name in wanted.only if not _measured(name, world)]
        finally:
            world.close()
    sys.exit(f"broken: {', '.join(broken)}" if broken else 0)


def _parts(names: str) -> list[str]:
    wanted = names.split(",")
    if unknown := set(wanted) - set(PARTS | ON_REQUEST):
        raise argparse.ArgumentTypeError(f"no part is called {', '.join(sorted(unknown))}")
    return wanted


def _measured(name: str, world: World) -> bool:
    try:
        figures = (PARTS | ON_REQUEST)[name](world)
    except Exception:  # noqa: BLE001 (the other parts are worth having all the same)
        traceback.print_exc()
        return False
    print(f"\n{name}, load average {os.getloadavg()[0]:.2f} at its end\n{table(figures)}", flush=True)
    return True


if __name__ == "__main__":
    main()
