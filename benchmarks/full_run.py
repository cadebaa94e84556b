"""Time and memory of one 10 + 10 training: both phases in one process, and each in its own.

The latter is how notebooks 02 and 03 train. Once, as each takes five minutes; the table at the top
of the README has the time of another run.
"""

import resource
import tempfile
from pathlib import Path

from accuracy import train, train_phase
from common import in_new_process, save_result, spreads


def main() -> None:
    """Trains in processes of their own and writes the result file."""
    with tempfile.TemporaryDirectory() as folder:
        both = in_new_process(train_until, "hybrid", Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        one_each = ("clean", "hybrid")
        phases = [in_new_process(train_until, phase, Path(folder)) for phase in one_each]
    in_one_phase = {"peak_gib_of_one_phase": spreads(phases)["peak_gib"]}
    save_result("full_run", spreads([both]) | in_one_phase)


def train_until(phase: str, folder: Path) -> dict:
    """Trains seed 0 to the end of a phase; returns all epochs' seconds and this process's peak."""
    rows = train_phase(folder, 0, "clean") if phase == "clean" else train(0, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return {"seconds": sum(row["seconds"] for row in rows), "peak_gib": peak}


if __name__ == "__main__":
    main()
