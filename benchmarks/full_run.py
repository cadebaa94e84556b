"""Time and memory of one 10 + 10 training: both phases in one process, and each in its own.

The latter is how notebooks 02 and 03 train. Once, as each takes five minutes; the table at the top
of the README has the time of another run.
"""

import json
import resource
import sys
import tempfile
from pathlib import Path

from common import in_new_process, save_result, spread


def main() -> None:
    """Trains in processes of their own and writes the result file."""
    with tempfile.TemporaryDirectory() as folder:
        both = in_new_process(__file__, "hybrid", folder)
    with tempfile.TemporaryDirectory() as folder:
        phases = [in_new_process(__file__, phase, folder) for phase in ("clean", "hybrid")]
    result = {key: spread([value]) for key, value in both.items()}
    result["peak_gib_of_one_phase"] = spread([row["peak_gib"] for row in phases])
    save_result("full_run", result)


def train_until(phase: str, folder: Path) -> None:
    """Trains seed 0 to the end of a phase; prints all epochs' seconds and this process's peak."""
    from accuracy import train, train_phase

    rows = train_phase(folder, 0, "clean") if phase == "clean" else train(0, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(json.dumps({"seconds": sum(row["seconds"] for row in rows), "peak_gib": peak}))


if __name__ == "__main__":
    train_until(sys.argv[1], Path(sys.argv[2])) if len(sys.argv) > 1 else main()
