"""The command `sweep`: many runs from one YAML file."""

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mnist_helpers.paths import RUNS_DIR
from mnist_helpers.runner.cli.common import folder_name, say

if TYPE_CHECKING:
    from mnist_helpers.runner.cluster import DaskPool
    from mnist_helpers.runner.estimate import Estimate
    from mnist_helpers.runner.plan import Run, Step
    from mnist_helpers.runner.pool import LocalPool


def add_parser(commands: argparse._SubParsersAction) -> None:
    """Adds the command to the command line."""
    sweep = commands.add_parser(
        "sweep",
        help="run the notebooks with many parameters",
        description="Does the runs that a YAML file describes, and tabulates them. What is "
        "finished is never repeated; started again, a sweep goes on where it stopped.",
    )
    sweep.add_argument("file", type=Path, help="for example sweeps/seeds.yaml")
    sweep.add_argument("--dry-run", action="store_true", help="only list the runs and the time")
    sweep.add_argument(
        "--workers",
        type=_count,
        metavar="N",
        help="processes that share the cores; by default one per core",
    )
    sweep.add_argument(
        "--scheduler", metavar="ADDRESS", help="use a Dask cluster, for example tcp://10.0.0.1:8786"
    )
    sweep.add_argument(
        "--retry-failed", action="store_true", help="do the failed runs again, and only those"
    )
    sweep.add_argument("--no-pages", action="store_true", help="make no HTML page of each notebook")
    sweep.add_argument(
        "--name", type=folder_name, help="name of the sweep's folder; by default the file's"
    )
    sweep.add_argument(
        "--output",
        default=RUNS_DIR,
        type=Path,
        metavar="FOLDER",
        help="where the sweep's folder is made; by default runs/ in the project",
    )
    sweep.set_defaults(execute=execute)


def _count(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of workers, 1 or more")
    return int(text)


def execute(options: argparse.Namespace) -> int:
    """Runs the command and returns the exit status."""
    from mnist_helpers.runner.estimate import Estimate
    from mnist_helpers.runner.plan import make_plan
    from mnist_helpers.runner.sweep_file import read_definition

    folder = (options.output / (options.name or options.file.stem)).resolve()
    runs = make_plan(read_definition(options.file), folder)
    estimate = Estimate(folder.parent)
    if options.dry_run:
        print(_describe(runs, estimate, options))
        return 0
    return _sweep(options, folder, runs, estimate)


def _describe(runs: "list[Run]", estimate: "Estimate", options: argparse.Namespace) -> str:
    """Lists the runs, and says how long what is left of them will take."""
    from mnist_helpers.runner.display import duration
    from mnist_helpers.runner.pool import cores
    from mnist_helpers.runner.scheduler import steps_to_do

    width = max(len(run.name) for run in runs)
    lines = [
        f"{run.name:<{width}}  {run.state()[0]:<7}  " + ", ".join(step.name for step in run.steps)
        for run in runs
    ]
    steps = steps_to_do(runs, options.retry_failed)
    planned = sum(len(run.steps) for run in runs)
    work = sum(map(estimate.core_seconds, steps))
    source = "judged by earlier runs"
    if not estimate.is_known(steps):
        source = "assuming the stated defaults where there is no earlier run"
    lines += [
        "",
        f"{len(runs)} runs of {planned} notebooks in all; {len(steps)} notebooks are left to do, "
        "those that runs share counted once.",
        f"Time left: about {duration(work / len(cores()))} on {len(cores())} cores, {source}.",
    ]
    return "\n".join(lines)


def _sweep(
    options: argparse.Namespace, folder: Path, runs: "list[Run]", estimate: "Estimate"
) -> int:
    from mnist_helpers.runner.lock import sweep_lock
    from mnist_helpers.runner.results import write_results
    from mnist_helpers.runner.scheduler import steps_to_do

    with sweep_lock(folder):
        try:
            steps = steps_to_do(runs, options.retry_failed)
            if steps:
                _do(steps, options, folder, runs, estimate)
        except KeyboardInterrupt:
            say("Stopped. The same command goes on from here.")
            return 130
        finally:
            rows = write_results(runs, folder)
    for row in rows:
        if row["state"] == "failed":
            say(f"FAILED {row['run']}: {row['error']}")
    done = [row for row in rows if row["state"] == "done"]
    print(f"{len(done)} of {len(rows)} runs done.\nResults: {folder / 'results.html'}", flush=True)
    return 0 if len(done) == len(rows) else 1


def _do(
    steps: "list[Step]",
    options: argparse.Namespace,
    folder: Path,
    runs: "list[Run]",
    estimate: "Estimate",
) -> None:
    from mnist_helpers.runner.display import Display, LiveDisplay
    from mnist_helpers.runner.results import Saver
    from mnist_helpers.runner.scheduler import do_steps

    _get_data(steps)
    kind = LiveDisplay if sys.stderr.isatty() else Display
    pool = _pool(options, folder)
    try:
        with kind(runs, steps, estimate, pool.cores) as display:
            do_steps(steps, pool, display, not options.no_pages, Saver(runs, folder))
    finally:
        pool.close()


def _get_data(steps: "list[Step]") -> None:
    """Downloads MNIST before several workers would try to at once."""
    if any(step.parameters.get("DATASET") == "mnist" for step in steps):
        from mnist_helpers.data.datasets import load_mnist

        load_mnist()


def _pool(options: argparse.Namespace, folder: Path) -> "DaskPool | LocalPool":
    if options.scheduler:
        from mnist_helpers.runner.cluster import DaskPool

        return DaskPool(options.scheduler, folder)
    from mnist_helpers.runner.pool import LocalPool, default_workers

    return LocalPool(options.workers or default_workers())
