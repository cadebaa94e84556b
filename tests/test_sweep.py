"""Sweeps as users run them, on notebooks that only pretend to train."""

import contextlib
import csv
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

import dask
import papermill
import psutil
import pytest

from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.cli import main
from mnist_helpers.runner.sweep import dask_local, dask_workers, plan
from mnist_helpers.runner.sweep.plan import SWEEP_COPY
from tests.stress import often, record_specimens
from tests.tiny import outputs, start_python, wait_until, write_notebook, write_training

KILLED = "Dask processes killed"
BOTH = "notebooks: [01_first.ipynb, 02_second.ipynb]\n"
SLOW = BOTH + "fixed: {EPOCHS: 4, 02_second: {SECONDS: 0.6}}\nseeds: [0, 3]\n"


@pytest.fixture
def sweep(tmp_path):
    """Writes a sweep file beside two notebooks that pretend to train, and returns its path."""
    write_training(tmp_path / "01_first.ipynb", "clean_phase")
    write_training(tmp_path / "02_second.ipynb", "hybrid")

    def write(text, name="study"):
        path = tmp_path / f"{name}.yaml"
        path.write_text(text)
        return path

    return write


def command(file, *more):
    return ["sweep", str(file), "--output", str(file.parent / "runs"), "--no-pages", *more]


def folder(file):
    return file.parent / "runs" / file.stem


def rows(file, name="results.csv"):
    with open(folder(file) / name, newline="") as table:
        return list(csv.DictReader(table))


def run_folder(file, start):
    (found,) = folder(file).glob(f"{start}-*")
    return found


def times(path):
    return {file: file.stat().st_mtime_ns for file in path.rglob("*") if file.is_file()}


@pytest.fixture
def start():
    """Starts a sweep in a process of its own, which does not outlive the test."""
    started = []

    def start_sweep(file, *more):
        started.append(start_python("-m", "mnist_helpers", *command(file, *more)))
        return started[-1]

    yield start_sweep
    for process in started:
        process.kill()
        process.communicate()


def kernels_in_epoch(file, epoch):
    """Returns the kernels that are at an epoch of the second notebook."""
    kernels = []
    for status in folder(file).glob("SEED*/status.json"):
        entry = json.loads(status.read_text())["notebooks"].get("02_second", {})
        if entry.get("state") == "running" and entry["epoch"] == f"{epoch}/4":
            kernels.append(json.loads((status.parent / ".kernel.json").read_text())["pid"])
    return kernels


@pytest.mark.slow
def test_a_sweep_does_shared_work_once_and_07_reads_its_table(sweep, tmp_path, capfd):
    file = sweep(BOTH + "grid:\n  02_second: {SHARE: [0.25, 1]}\nseeds: [0, 3]\n")
    assert main(command(file, "--workers", "2")) == 0
    table = rows(file)
    found = [(row["params.SHARE"], row["params.SEED"], row["state"]) for row in table]
    assert found == [(share, seed, "done") for share in ("0.25", "1") for seed in ("0", "3")]
    assert float(table[2]["metrics.test_accuracy"]) == pytest.approx(1 - 1 / 5)
    assert float(table[0]["metrics.training_seconds"]) == 3.0  # of both phases
    assert float(table[0]["metrics.training_cpu_seconds"]) == 1.0
    # The first notebook ran once for each seed, and not four times.
    assert len(list((folder(file) / "tasks").iterdir())) == 2
    for path in (run_folder(file, "SHARE=1-SEED=0"), run_folder(file, "SHARE=0.25-SEED=3")):
        assert "Epoch 2/2" in outputs(path / "01_first.ipynb")
        assert "Epoch 2/2" in outputs(path / "02_second.ipynb")
        assert len(json.loads((path / "clean_phase_history.json").read_text())) == 2
    epochs = rows(file, "epochs.csv")
    assert len(epochs) == 4 * 2 * 2
    assert [row["phase"] for row in epochs[:4]] == ["clean_phase"] * 2 + ["hybrid"] * 2
    err = capfd.readouterr().err
    assert "shared by 2 runs: 01_first: started, 5 cells" in err
    assert "SHARE=1, SEED=3: 02_second: done" in err and "4 of 4 runs done, nothing left" in err

    before = times(folder(file))
    assert main(command(file)) == 0
    changed = {path.name for path, when in times(folder(file)).items() if before.get(path) != when}
    # Older versions of filelock leave the file of a lock that was given back.
    tables = {"results.csv", "epochs.csv", "results.html"}
    assert changed - {"runner.lock"} == tables | {SWEEP_COPY}
    assert (folder(file) / SWEEP_COPY).read_text() == file.read_text()

    comparison, read = NOTEBOOKS_DIR / "07_compare_runs.ipynb", tmp_path / "07.ipynb"
    values = {"SWEEP_DIR": str(folder(file)), "METRIC": "test_accuracy"}
    papermill.execute_notebook(comparison, read, values, progress_bar=False, kernel_name="python3")
    assert "**SHARE 1** has the highest mean test accuracy" in read.read_text()


@pytest.mark.slow
def test_a_failing_run_leaves_the_others_alone_and_is_repeated_on_demand(sweep, tmp_path, capfd):
    broken, log = tmp_path / "broken", tmp_path / "log"
    broken.touch()
    note = f"open({str(log)!r}, 'a').write(f'{{SEED}} ')"
    fail = f"import os\nif SEED == 1 and os.path.exists({str(broken)!r}):\n    raise OSError('x')"
    write_notebook(tmp_path / "01_first.ipynb", note, fail)
    file = sweep(BOTH + "seeds: 2\n")
    assert main(command(file, "--workers", "1")) == 1
    assert [row["state"] for row in rows(file)] == ["done", "failed"]
    assert "OSError: x" in rows(file)[1]["error"] and rows(file)[1]["metrics.test_accuracy"] == ""
    out, err = capfd.readouterr()
    assert "1 of 2 runs done." in out and "FAILED SEED=1: OSError: x" in err
    assert "01_first.ipynb failed in cell 5 of 5, which begins with: import os" in err

    assert main(command(file)) == 1  # a failed run is not repeated by itself
    broken.unlink()
    assert main(command(file, "--retry-failed")) == 0
    assert sorted(log.read_text().split()) == ["0", "1", "1"]
    assert [row["state"] for row in rows(file)] == ["done"] * 2


@pytest.mark.slow
def test_stopped_and_killed_in_mid_epoch_it_ends_as_an_undisturbed_sweep(sweep, start, said):
    stopped = sweep(SLOW)
    process = start(stopped, "--workers", "1")
    kernel, *_ = wait_until(lambda: kernels_in_epoch(stopped, 2))
    refusal = said(2, *command(stopped))  # a second one in the same folder
    assert f"already going in {folder(stopped)}: process {process.pid} on" in refusal
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=120)
    assert process.returncode == 130
    assert "continues from here" in err and "Traceback" not in err
    psutil.wait_procs(children, timeout=20)
    assert not any(child.is_running() for child in children) and not psutil.pid_exists(kernel)
    assert [row["state"] for row in rows(stopped)] == ["waiting", "waiting"]
    assert not (folder(stopped) / "runner.json").exists()

    process = start(stopped, "--workers", "1")
    # The first run is finished by now, and the second in mid-epoch.
    kernel, *_ = wait_until(lambda: kernels_in_epoch(stopped, 3) if first_is_done(stopped) else [])
    process.kill()
    process.wait()
    finished = times(run_folder(stopped, "SEED=0"))
    assert main(command(stopped, "--workers", "2")) == 0
    assert not psutil.pid_exists(kernel)
    assert times(run_folder(stopped, "SEED=0")) == finished
    found = [(row["params.SEED"], row["state"], row["error"]) for row in rows(stopped)]
    assert found == [("0", "done", ""), ("3", "done", "")]
    accuracies = [float(row["metrics.test_accuracy"]) for row in rows(stopped)]
    assert accuracies == pytest.approx([1 - 1 / 6.5, 1 - 1 / 9.5])
    epochs = [float(row["val_accuracy"]) for row in rows(stopped, "epochs.csv")]
    one_phase = [[1 - 1 / (2.5 + seed + epoch) for epoch in (1, 2, 3, 4)] for seed in (0, 3)]
    assert epochs == pytest.approx(2 * one_phase[0] + 2 * one_phase[1])
    for path in folder(stopped).glob("SEED*"):
        # A kernel may end the epoch it is in before it notices that its worker is gone.
        assert re.match("begins after [1-4] epochs", outputs(path / "02_second.ipynb"))


def first_is_done(file):
    status = json.loads((run_folder(file, "SEED=0") / "status.json").read_text())
    return status["notebooks"]["02_second"]["state"] == "done"


@pytest.mark.slow
@pytest.mark.promise(1)
def test_a_worker_that_dies_has_its_step_done_by_another(sweep, start, record_property):
    file = sweep(SLOW)
    process = start(file, "--workers", "2")
    kernel, *_ = wait_until(lambda: kernels_in_epoch(file, 3))
    psutil.Process(kernel).parent().kill()
    begun = time.monotonic()
    _, err = process.communicate(timeout=240)
    record_specimens(record_property, KILLED, 1, time.monotonic() - begun)
    assert process.returncode == 0, err
    assert "02_second: its worker died; started again" in err
    assert [row["state"] for row in rows(file)] == ["done", "done"]
    begun = [outputs(path / "02_second.ipynb") for path in folder(file).glob("SEED*")]
    assert sum("begins after 0 epochs" not in text for text in begun) == 1


@pytest.mark.slow
@pytest.mark.promise(1)
def test_a_task_that_kills_every_worker_fails_and_the_others_go_on(
    sweep, tmp_path, capfd, record_property
):
    log = tmp_path / "log"
    kill = f"""import os, signal, time
if SEED == 5:
    open({str(log)!r}, "a").write(str(SEED))
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(9)
"""
    write_notebook(tmp_path / "01_first.ipynb", kill)
    file = sweep("notebooks: [01_first.ipynb]\nseeds: [5, 0]\n")
    assert main(command(file, "--workers", "1")) == 1
    assert [row["state"] for row in rows(file)] == ["failed", "done"]
    assert "its worker died 3 times" in rows(file)[0]["error"]
    assert log.read_text() == "555"
    record_specimens(record_property, KILLED, 3)
    assert "Traceback" not in capfd.readouterr().err


def test_a_local_worker_that_dask_gave_up_is_replaced(tmp_path):
    with (
        dask.config.set({"distributed.deploy.lost-worker-timeout": "100ms"}),
        dask_workers.dask_workers(tmp_path, workers=1) as pool,
    ):
        dask_local.kill_workers(pool._cluster)  # none comes back, as if it took too long
        wait_until(lambda: pool.slots == 0)
        wait_until(lambda: pool.slots == 1)


def test_code_that_changes_meanwhile_stops_the_sweep(sweep, monkeypatch, said):
    monkeypatch.setattr(plan, "_version", lambda notebook: "of yesterday")
    refusal = said(2, *command(sweep(BOTH + "seeds: 1\n")))
    assert "has changed since this was started" in refusal


# A Dask cluster of processes on this machine


class Cluster:
    """A Dask scheduler and its workers, of which one is started."""

    def __init__(self, folder):
        self.folder, self.workers = folder, {}
        address_file = folder / "scheduler.json"
        self.scheduler = self._launch(
            *("dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard"),
            *("--scheduler-file", str(address_file)),
        )
        # It is whole when it ends in a brace: the scheduler does not write it at once.
        wait_until(lambda: address_file.exists() and address_file.read_text().endswith("}"))
        self.address = json.loads(address_file.read_text())["address"]
        self.start_worker()

    def _launch(self, program, *arguments):
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{program}", *arguments],
            cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(PROJECT), "OMP_NUM_THREADS": "1"},
        )  # fmt: skip

    def start_worker(self):
        worker = self._launch(
            *("dask_worker", self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard"),
            *("--host", "127.0.0.1", "--local-directory", str(self.folder / "dask")),
        )
        self.workers[worker.pid] = worker

    def close(self):
        for process in (*self.workers.values(), self.scheduler):
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """A cluster of one worker, for several tests."""
    with contextlib.closing(Cluster(tmp_path_factory.mktemp("cluster"))) as cluster:
        yield cluster


@pytest.mark.slow
def test_dask_workers_without_a_shared_disk_send_their_results(sweep, cluster, monkeypatch):
    monkeypatch.setattr(dask_workers.DaskWorkers, "_see_folder", lambda self, folder: False)
    file = sweep(BOTH + "seeds: [3]\n")
    assert main(command(file, "--scheduler", cluster.address)) == 0
    path = run_folder(file, "SEED=3")
    assert "Epoch 2/2" in outputs(path / "01_first.ipynb") + outputs(path / "02_second.ipynb")
    assert str(path) not in (path / "02_second.ipynb").read_text()  # it ran elsewhere
    assert rows(file)[0]["state"] == "done"


@pytest.mark.slow
def test_a_worker_with_other_code_is_named(sweep, cluster, monkeypatch, said):
    monkeypatch.setattr(plan, "_version", lambda notebook: "newer")
    refusal = said(2, *command(sweep(BOTH + "seeds: [3]\n"), "--scheduler", cluster.address))
    words = f"The Dask worker on {socket.gethostname()} has another version .*restart that worker"
    assert re.search(words, refusal)


@pytest.mark.slow
@pytest.mark.promise(1)
@pytest.mark.parametrize("number", range(often(1, 4)))
def test_on_a_dask_cluster_a_killed_worker_costs_no_run(
    sweep, start, cluster, number, record_property
):
    cluster.start_worker()
    file = sweep(SLOW)
    process = start(file, "--scheduler", cluster.address)
    kernel, *_ = wait_until(lambda: kernels_in_epoch(file, 2))
    cluster.workers[psutil.Process(kernel).ppid()].kill()
    begun = time.monotonic()
    _, err = process.communicate(timeout=240)
    record_specimens(record_property, KILLED, 1, time.monotonic() - begun)
    assert process.returncode == 0, err
    assert [row["state"] for row in rows(file)] == ["done", "done"]
    assert float(rows(file)[0]["metrics.test_accuracy"]) == pytest.approx(1 - 1 / 6.5)


@pytest.mark.slow
@pytest.mark.promise(1)
@pytest.mark.parametrize("epoch", [2, 3][: often(1, 2)])
def test_a_scheduler_that_dies_ends_the_sweep_which_another_continues(
    sweep, start, tmp_path, epoch, record_property
):
    file = sweep(SLOW)
    # Closed with its worker, which could else finish its step before the sweep ends.
    with contextlib.closing(Cluster(tmp_path)) as cluster:
        process = start(file, "--scheduler", cluster.address)
        wait_until(lambda: kernels_in_epoch(file, epoch))
        begun = time.monotonic()
    _, err = process.communicate(timeout=60)
    record_specimens(record_property, KILLED, 1, time.monotonic() - begun)
    assert process.returncode == 2, err
    assert "the same command continues from here" in err and "Traceback" not in err
    assert main(command(file, "--workers", "2")) == 0
    assert [row["state"] for row in rows(file)] == ["done", "done"]
    begun = [outputs(path / "02_second.ipynb") for path in folder(file).glob("SEED*")]
    assert any("begins after 0" not in text for text in begun)


def test_a_scheduler_that_does_not_answer_is_an_error(sweep, monkeypatch, said):
    monkeypatch.setattr(dask_workers, "SECONDS_TO_CONNECT", 0.3)
    arguments = command(sweep(BOTH + "seeds: [3]\n"), "--scheduler", "tcp://127.0.0.1:9")
    assert "127.0.0.1:9" in said(2, *arguments)


def test_without_dask_the_command_that_installs_it_is_named(sweep, monkeypatch, said):
    monkeypatch.setitem(sys.modules, "mnist_helpers.runner.sweep.dask_workers", None)
    refusal = said(2, *command(sweep(BOTH + "seeds: [3, 4]\n")))
    assert "need Dask" in refusal and "-r requirements.lock" in refusal
