"""The command `sweep`: many runs from one YAML file."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mnist_helpers.paths import RUNS_DIR
from mnist_helpers.runner.cli.common import Output, check_folder_name, echo

if TYPE_CHECKING:
    from mnist_helpers.runner.sweep.plan import Run


def command(
    file: Annotated[Path, typer.Argument(help="For example sweeps/seeds.yaml.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only list the runs and the time.")
    ] = False,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Processes that share the cores; by default one per core."
        ),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            metavar="ADDRESS", help="Use a Dask cluster, for example tcp://10.0.0.1:8786."
        ),
    ] = None,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Do the failed runs again, and only those.")
    ] = False,
    no_pages: Annotated[
        bool, typer.Option("--no-pages", help="Make no HTML page of each notebook.")
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(
            callback=check_folder_name, help="Name of the sweep's folder; by default the file's."
        ),
    ] = None,
    output: Output = RUNS_DIR,
) -> int:
    """Does the runs that a YAML file describes, and tabulates them.

    What is finished is never repeated; started again, a sweep continues where it stopped.
    """
    from mnist_helpers.runner.sweep.plan import SWEEP_COPY, make_plan

    folder = (output / (name or file.stem)).resolve()
    runs = make_plan(file, folder)
    states = ("failed",) if retry_failed else ("waiting",)
    if dry_run:
        print(_describe(runs, folder, states))
        return 0
    from mnist_helpers.files import write_text
    from mnist_helpers.runner.sweep.schedule import run_all

    def plan() -> "list[Run]":
        write_text(folder / SWEEP_COPY, file.read_text(encoding="utf-8"))
        return runs

    try:
        rows = run_all(
            plan, folder, states=states, pages=not no_pages, workers=workers, scheduler=scheduler
        )
    except KeyboardInterrupt:
        echo("Stopped. The same command continues from here.")
        return 130
    done = [row for row in rows if row["state"] == "done"]
    for row in rows:
        if row["state"] == "failed":
            echo(f"FAILED {row['run']}: {row['error']}")
    print(f"{len(done)} of {len(rows)} runs done.\nResults: {folder / 'results.html'}", flush=True)
    return 0 if len(done) == len(rows) else 1


def _describe(runs: "list[Run]", folder: Path, states: tuple[str, ...]) -> str:
    """Lists the runs, and says how long what is left of them will take."""
    from mnist_helpers.runner.sweep.plan import pending_tasks
    from mnist_helpers.runner.sweep.task import cores
    from mnist_helpers.runner.sweep.time_estimate import Estimate, duration

    estimate = Estimate(folder.parent)
    width = max(len(run.name) for run in runs)
    lines = [
        f"{run.name:<{width}}  {run.state()[0]:<7}  " + ", ".join(task.name for task in run.tasks)
        for run in runs
    ]
    tasks = pending_tasks(runs, states)
    planned = len({task.key for run in runs for task in run.tasks})
    work = sum(map(estimate.core_seconds, tasks))
    source = "judged by earlier runs"
    if not estimate.is_known(tasks):
        source = "assuming the stated defaults where there is no earlier run"
    lines += [
        "",
        f"Runs: {len(runs)}. Notebooks: {planned} in all, {len(tasks)} left to do; those that runs "
        "share are counted once.",
        f"Time left: about {duration(work / len(cores()))} on {len(cores())} cores, {source}.",
    ]
    return "\n".join(lines)
