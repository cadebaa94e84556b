"""Has the steps of a sweep done in an order that their dependencies allow."""

from collections import Counter, defaultdict, deque
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import TYPE_CHECKING

from mnist_helpers.files import read_json, write_json
from mnist_helpers.runner.plan import Run, Step
from mnist_helpers.runner.task import CodeChangedError, perform

if TYPE_CHECKING:
    from mnist_helpers.runner.cluster import DaskPool
    from mnist_helpers.runner.display import Display
    from mnist_helpers.runner.pool import LocalPool

MAX_ATTEMPTS = 3  # a step that ends its worker so often would end every worker
SECONDS_BETWEEN_LOOKS = 0.5


def steps_to_do(runs: list[Run], retry_failed: bool = False) -> list[Step]:
    """Returns the steps that are still needed, parents before children.

    Args:
        runs: The sweep.
        retry_failed: Whether to do the failed runs, and only those; else they are left as they are.
    """
    needed: dict[str, Step] = {}
    for run in runs:
        if (run.state()[0] == "failed") != retry_failed:
            continue
        missing = []
        for step in reversed(run.steps):
            if step.state() == "done":
                break
            missing.append(step)
        needed.update((step.key, step) for step in reversed(missing))
    return list(needed.values())


def do_steps(
    steps: list[Step],
    pool: "LocalPool | DaskPool",
    display: "Display",
    pages: bool,
    save: Callable[[], None] = lambda: None,
) -> None:
    """Does the steps; each leaves its state in its folder.

    A step whose worker is lost is done again. One that fails leaves undone what builds on it.

    Args:
        steps: As `steps_to_do` returns them.
        pool: A `LocalPool` or `DaskPool`.
        display: Is told what begins and ends, and shown what runs.
        pages: Whether to make HTML pages of the notebooks.
        save: Is called when steps have ended.

    Raises:
        CodeChangedError: The code is no longer what the sweep was planned with.
    """
    keys = {step.key for step in steps}
    children: dict[str, list[Step]] = defaultdict(list)
    attempts: Counter[str] = Counter()
    running: dict[Future, Step] = {}
    ready: deque[Step] = deque()
    for step in steps:
        if step.parent and step.parent.key in keys:
            children[step.parent.key].append(step)
        else:
            ready.append(step)
    while ready or running:
        while ready and pool.free:
            step = ready.popleft()
            running[pool.submit(perform, step.order(pages))] = step
            display.began(step)
        finished, _ = wait(running, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED)
        for future in finished:
            step = running.pop(future)
            attempts[step.key] += 1
            state = _outcome(future, step, pool, attempts[step.key])
            if state == "lost":
                ready.appendleft(step)
            elif state == "done":
                # What finishes a run comes before what begins another.
                ready.extendleft(reversed(children[step.key]))
            display.ended(step, state)
        if finished:
            save()
        display.look(running.values())


def _outcome(future: Future, step: Step, pool: "LocalPool | DaskPool", attempt: int) -> str:
    """Returns "done", "failed" or "lost"; notes a failure that the worker could not note."""
    try:
        return future.result()["state"]
    except CodeChangedError:
        raise
    except pool.lost:
        if attempt < MAX_ATTEMPTS:
            return "lost"
        error = f"{step.name}.ipynb: its worker died {attempt} times; is the memory too small?"
    except (OSError, ValueError) as failure:
        error = f"{step.name}.ipynb: {type(failure).__name__}: {failure}"
    status = read_json(step.folder / "status.json", {"key": step.key, "notebooks": {}})
    entry = status["notebooks"].get(step.name, {"seconds": None})
    status["notebooks"][step.name] = entry | {"state": "failed", "error": error}
    write_json(step.folder / "status.json", status)
    return "failed"
