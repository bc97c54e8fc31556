"""`make test-canaries`: plants secrets, looks for them and for leaks. Prints what was wrong, and how much was right."""

import signal
import sys
import tempfile
from pathlib import Path

from tests.canaries.judging import caught, hidden
from tests.canaries.leaks import KINDS
from tests.canaries.planting import Planted, plant


def main() -> int:
    """0 when no secret was found and every leak was."""
    with tempfile.TemporaryDirectory(prefix="oneinbox-canaries-") as folder:
        product = Planted(Path(folder))
        product.start()
        try:
            plant(product)
            secrets = hidden(product)
            leaks = {name: seen for kind in KINDS for name, seen in caught(product, kind).items()}
        finally:
            product.end(signal.SIGTERM)
    wrong = [where for places in secrets.values() for where in places]
    missed = [f"not found: {name}" for name, seen in leaks.items() if not seen]
    print("\n".join([*wrong, *missed]), end="\n" if wrong or missed else "")
    right = sum(not places for places in secrets.values()) + sum(leaks.values())
    print(f"{right} of {len(secrets) + len(leaks)}")
    return 1 if wrong or missed else 0


if __name__ == "__main__":
    sys.exit(main())
