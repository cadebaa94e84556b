"""Time and memory of one 10 + 10 training, as notebooks 02 and 03 do it.

Once, as it takes five minutes; the table at the top of the README has the time of another run.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

from common import in_new_process, save_result, spread


def main() -> None:
    """Trains in a process of its own and writes the result file."""
    row = in_new_process(__file__, "one")
    save_result("full_run", {key: spread([value]) for key, value in row.items()})


def one() -> None:
    """Trains seed 0 once and prints seconds (epochs with validation) and peak memory."""
    from accuracy import train

    with tempfile.TemporaryDirectory() as folder:
        seconds = sum(row["seconds"] for row in train(0, Path(folder)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": seconds, "peak_gib": peak}))


if __name__ == "__main__":
    one() if len(sys.argv) > 1 else main()
