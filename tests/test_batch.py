import ast
import io
import json
import logging
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mnist_helpers.parameters import LIMITS, check_value
from mnist_helpers.paths import NOTEBOOKS_DIR, PROJECT
from mnist_helpers.runner.batch import check_parameters, run_series
from mnist_helpers.runner.cli import QUICK, main, summary
from mnist_helpers.runner.execute import WIDGET, NotebookError, write_page
from mnist_helpers.runner.notebooks import notebook_parameters
from mnist_helpers.runner.progress import Progress, following_papermill

DECLARATIONS = """\
EPOCHS: int = 4  # passes
LEARNING_RATE: float = 0.01  # highest rate
DATASET: str = "mnist"  # or "digits"
OUTPUT_DIR: str = "trained_model"  # folder"""
EPOCHS_CELL = "for k in range(EPOCHS):\n    print(f'Epoch {k + 1}/{EPOCHS}', flush=True)"
LIBRARY_NOISE = "import sys, os\nos.write(sys.__stderr__.fileno(), b'from a C library')"
NOTE_START = "with open(OUTPUT_DIR + '/order.txt', 'a') as file:\n    print({!r}, file=file)"


@pytest.fixture
def notebook(tmp_path):
    """Makes a small notebook from the sources of its code cells."""

    def make(name, *sources, parameters=DECLARATIONS):
        cells = [
            new_markdown_cell(f"# {name}\n[next](02_second.ipynb)"),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            *map(new_code_cell, sources),
        ]
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        path.parent.mkdir(exist_ok=True)
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
        return path

    return make


def outputs(path):
    cells = nbformat.read(path, as_version=4).cells
    return "".join(output.get("text", "") for cell in cells for output in cell.get("outputs", []))


def status(folder):
    return json.loads((folder / "status.json").read_text())["notebooks"]


@pytest.mark.slow
def test_a_series_leaves_notebooks_pages_log_and_status(notebook, tmp_path, capfd):
    first = notebook("01_first", NOTE_START.format("first"), "import sys\nprint(sys.executable)")
    second = notebook("02_second", NOTE_START.format("second"), EPOCHS_CELL, LIBRARY_NOISE)
    third = notebook("03_third", "print('no parameters used')", parameters="SEED: int = 0  # x")
    folder = tmp_path / "runs" / "one"
    run_series([first, second, third], {"EPOCHS": 3}, folder)

    assert (folder / "order.txt").read_text().split() == ["first", "second"]
    assert sys.executable in outputs(folder / "01_first.ipynb")
    assert "Epoch 3/3" in outputs(folder / "02_second.ipynb")
    log = (folder / "run.log").read_text()
    assert "from a C library" in log
    assert sys.executable in log and "Epoch 3/3" in log and "no parameters used" in log
    page = (folder / "01_first.html").read_text()
    assert sys.executable in page and 'href="02_second.html"' in page
    assert (folder / "02_second.html").exists() and (folder / "03_third.html").exists()
    assert [entry["state"] for entry in status(folder).values()] == ["done"] * 3
    assert all(entry["seconds"] > 0 for entry in status(folder).values())
    # The committed notebook stays as it was.
    assert outputs(second) == ""

    out, err = capfd.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "[1/3] 01_first: 5 cells",
        "[2/3] 02_second: 6 cells",
        "[2/3] 02_second: epoch 1/3",
        "[2/3] 02_second: epoch 2/3",
        "[2/3] 02_second: epoch 3/3",
        "[3/3] 03_third: 3 cells",
    ]


def test_a_kernel_of_that_name_installed_elsewhere_is_not_used(notebook, tmp_path, monkeypatch):
    foreign = tmp_path / "foreign" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "P"}
    (foreign / "kernel.json").write_text(json.dumps({**spec, "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "foreign"))
    run_series([notebook("01_first", "1")], {}, tmp_path / "run", html=False)
    assert status(tmp_path / "run")["01_first"]["state"] == "done"


@pytest.mark.slow
def test_a_failing_cell_is_named_and_a_second_start_goes_on(notebook, tmp_path):
    folder = tmp_path / "run"
    first = notebook("01_first", NOTE_START.format("first"))
    broken = "print('so far')\nraise OSError('disk on fire')"
    second = notebook("02_second", "x = 1", broken, "print('never')")
    with pytest.raises(NotebookError) as failure:
        run_series([first, second], {"EPOCHS": 1}, folder, html=False)
    message = str(failure.value)
    assert "02_second.ipynb failed in cell 5 of 6, which begins with: print('so far')" in message
    assert "OSError: disk on fire" in message
    assert "so far" in outputs(folder / "02_second.ipynb")
    assert "never" not in outputs(folder / "02_second.ipynb")
    assert status(folder)["01_first"]["state"] == "done"
    assert status(folder)["02_second"]["state"] == "failed"
    assert "disk on fire" in status(folder)["02_second"]["error"]

    untouched = (folder / "01_first.ipynb").stat().st_mtime_ns
    second = notebook("02_second", "print('repaired')")
    with pytest.raises(FileExistsError, match="other parameters"):
        run_series([first, second], {"EPOCHS": 2}, folder, html=False)
    run_series([first, second], {"EPOCHS": 1}, folder, html=False)
    assert (folder / "01_first.ipynb").stat().st_mtime_ns == untouched
    assert (folder / "order.txt").read_text().split() == ["first"]
    assert "repaired" in outputs(folder / "02_second.ipynb")
    with pytest.raises(FileExistsError, match="finished run; choose another --name"):
        run_series([first, second], {"EPOCHS": 1}, folder, html=False)


@pytest.mark.slow
def test_a_dead_kernel_is_a_failure_though_papermill_says_completed(notebook, tmp_path):
    dying = notebook("01_first", "print('alive', flush=True)", "import os\nos._exit(3)", "1")
    with pytest.raises(NotebookError, match=r"cell 5 of 6, .*import os\nDeadKernelError"):
        run_series([dying], {"EPOCHS": 1}, tmp_path / "run")
    assert "alive" in outputs(tmp_path / "run" / "01_first.ipynb")
    assert status(tmp_path / "run")["01_first"]["state"] == "failed"


def test_a_folder_with_other_files_or_another_run_going_on_is_refused(notebook, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("keep")
    with pytest.raises(FileExistsError, match="other files; choose another --name"):
        run_series([notebook("01_first", "1")], {}, mine)
    busy = tmp_path / "busy"
    busy.mkdir()
    with (
        FileLock(busy / "run.lock"),
        pytest.raises(FileExistsError, match="Another process is running"),
    ):
        run_series([notebook("01_first", "1")], {}, busy)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"EPOCS": 3}, "no parameter EPOCS. Did you mean EPOCHS.*DATASET, EPOCHS, LEARNING_RATE"),
        ({"SEED": 3}, "no parameter SEED"),
        ({"EPOCHS": 3.5}, "EPOCHS must be a whole number, not 3.5"),
        ({"EPOCHS": True}, "EPOCHS must be a whole number, not True"),
        ({"DATASET": 1}, "DATASET must be a text"),
        ({"EPOCHS": 0}, "EPOCHS must be a whole number from 1 to 100000, not 0"),
    ],
)
def test_wrong_parameters_are_refused_before_anything_starts(
    notebook, tmp_path, parameters, message
):
    path = notebook("01_first", NOTE_START.format("first"))
    with pytest.raises(ValueError, match=message):
        run_series([path], parameters, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_each_notebook_gets_the_parameters_that_it_has(notebook):
    first, second = notebook("01_first"), notebook("02_second", parameters="SEED: int = 0")
    assert check_parameters([first, second], {"SEED": 7, "EPOCHS": 1, "LEARNING_RATE": 1}) == {
        first: {"EPOCHS": 1, "LEARNING_RATE": 1},
        second: {"SEED": 7},
    }


def test_a_parameter_can_be_meant_for_one_notebook(notebook):
    first, second = notebook("01_first"), notebook("02_second")
    given = {"02_second.EPOCHS": 7, "EPOCHS": 1}
    assert check_parameters([first, second], given) == {
        first: {"EPOCHS": 1},
        second: {"EPOCHS": 7},
    }
    with pytest.raises(ValueError, match="no notebook 03_third here; there are 01_first, 02_sec"):
        check_parameters([first, second], {"03_third.EPOCHS": 7})
    with pytest.raises(ValueError, match="no parameter SEED. 01_first can take DATASET, EPOCHS"):
        check_parameters([first, second], {"01_first.SEED": 7})


def test_what_is_off_in_one_notebook_is_not_switched_on_by_the_way(notebook):
    off = notebook("01_first", parameters="AUGMENTED_SHARE: float = 0.0  # x")
    on = notebook("02_second", parameters="AUGMENTED_SHARE: float = 0.5  # x")
    with pytest.raises(ValueError, match="for example 02_second.AUGMENTED_SHARE"):
        check_parameters([off, on], {"AUGMENTED_SHARE": 0.7})
    given = check_parameters([off, on], {"02_second.AUGMENTED_SHARE": 0.7})
    assert given == {off: {}, on: {"AUGMENTED_SHARE": 0.7}}


def test_a_parameter_without_a_type_is_refused(notebook):
    with pytest.raises(ValueError, match="01_first.ipynb declares EPOCHS without a type"):
        notebook_parameters(notebook("01_first", parameters="EPOCHS = 3"))


def test_a_parameter_without_a_value_is_refused(notebook):
    with pytest.raises(ValueError, match="declares EPOCHS without .* or without a value"):
        notebook_parameters(notebook("01_first", parameters="EPOCHS: int"))


def test_the_projects_notebooks_declare_known_parameters_with_possible_defaults():
    notebooks = sorted(NOTEBOOKS_DIR.glob("0[1-4]_*.ipynb"))
    assert notebooks
    for path in notebooks:
        for name, parameter in notebook_parameters(path).items():
            assert parameter["inferred_type_name"] == LIMITS[name].type_name
            assert parameter["help"], f"{name} in {path.name} has no comment"
            check_value(name, ast.literal_eval(parameter["default"]))


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_a_bar_shows_notebook_cell_and_epoch(tmp_path, monkeypatch):
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    progress = Progress()
    with following_papermill(tmp_path / "run.log", progress):
        progress.start("[2/4] 02_clean_phase", 25)
        logging.getLogger("papermill").info("Executing Cell 7---------")
        logging.getLogger("papermill").info("loss 0.1\nEpoch 3/10\n")
    assert "[2/4] 02_clean_phase: cell 7/25, epoch 3/10 |" in terminal.getvalue()


# The command line


def write_metrics(phases):
    metrics = {"dataset_title": "MNIST", **phases}
    return f"open(OUTPUT_DIR + '/metrics.json', 'w').write({json.dumps(metrics)!r})"


@pytest.mark.slow
def test_run_ends_with_a_table(notebook, tmp_path, capsys):
    clean = {
        "test_accuracy": 0.9912,
        "test_accuracy_interval": [0.9892, 0.9928],
        "training_seconds": 100.4,
    }
    path = notebook("01_first", "print(DATASET, EPOCHS)", write_metrics({"clean_phase": clean}))
    command = ["run", "--quick", "--dataset", "digits", "--output", str(tmp_path), "--name", "x"]
    assert main(command, [path]) == 0
    out = capsys.readouterr().out
    assert "Data: MNIST" in out
    assert "99.12 % (98.92 % to 99.28 %)" in out and "1 min 40 s" in out
    assert "not measured" in next(line for line in out.splitlines() if line.startswith("hybrid"))
    assert str(tmp_path / "x") in out and "01_first.html" in out
    assert f"digits {QUICK['EPOCHS']}" in outputs(tmp_path / "x" / "01_first.ipynb")

    assert main([*command, "-p", "EPOCHS", "5"], [path]) == 2
    assert "choose another --name" in capsys.readouterr().err


def test_the_table_of_a_run_without_metrics_says_so(tmp_path):
    assert summary(tmp_path).count("not measured") == 4


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "EPOCS", "3"], "Did you mean EPOCHS"),
        (["-p", "EPOCHS", "3.5"], "EPOCHS must be a whole number, not 3.5"),
        (["-p", "EPOCHS", "0"], "from 1 to 100000, not 0"),
        (["-p", "LEARNING_RATE", "nan"], "LEARNING_RATE must be a number, not 'nan'"),
        (["-p", "OUTPUT_DIR", "x"], "--output and --name"),
        (["-p", "DATASET", "mnist", "--dataset", "digits"], "given twice"),
    ],
)
def test_the_command_line_refuses_wrong_parameters(notebook, tmp_path, capsys, arguments, message):
    path = notebook("01_first", "1")
    assert main(["run", "--output", str(tmp_path), "--name", "x", *arguments], [path]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", ["", "..", "a/b"])
def test_a_name_that_leaves_the_folder_is_refused(name):
    with pytest.raises(SystemExit, match="2"):
        main(["run", "--name", name])


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Without MNIST: an empty Keras home, no source, and a proxy that nothing listens on."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.delenv("MNIST_SOURCE", raising=False)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.mark.slow
def test_without_mnist_the_run_falls_back_and_warns_twice(notebook, tmp_path, capsys, offline):
    path = notebook("01_first", "print('trained on', DATASET)")
    assert main(["run", "--output", str(tmp_path), "--name", "x"], [path]) == 0
    err = capsys.readouterr().err
    assert err.startswith("####") and err.count("THIS IS NOT MNIST") == 2
    assert "MNIST_SOURCE" in err.replace("\n", " ")
    assert "trained on digits" in outputs(tmp_path / "x" / "01_first.ipynb")


@pytest.mark.parametrize("stated", [["--dataset", "mnist"], ["-p", "DATASET", "mnist"]])
def test_stated_mnist_never_falls_back(notebook, tmp_path, capsys, offline, stated):
    path = notebook("01_first", "1")
    assert main(["run", "--output", str(tmp_path), "--name", "x", *stated], [path]) == 1
    err = capsys.readouterr().err
    assert "MNIST_SOURCE" in err and "mnist.npz" in err and "digits" in err
    assert not (tmp_path / "x").exists()


def start_in_a_process(path, tmp_path):
    code = (
        "import sys\nfrom mnist_helpers.runner.cli import main\n"
        f"sys.exit(main(sys.argv[1:], [{str(path)!r}]))"
    )
    command = ["run", "--dataset", "digits", "--output", str(tmp_path), "--name", "x"]
    return subprocess.Popen(
        [sys.executable, "-c", code, *command],
        cwd=PROJECT,
        stderr=subprocess.PIPE,
        text=True,
        # A shell without job control has background processes ignore Ctrl-C, and we inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler),
    )


def wait_until(condition, seconds=30):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "took too long"
        time.sleep(0.05)


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("number", "exit_status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
@pytest.mark.slow
def test_stopping_the_run_ends_the_kernel(notebook, tmp_path, number, exit_status):
    pid_file = tmp_path / "pid"
    sleeping = f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    process = start_in_a_process(notebook("01_first", sleeping, "time.sleep(60)"), tmp_path)
    wait_until(lambda: pid_file.exists() and pid_file.read_text())
    kernel = int(pid_file.read_text())
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == exit_status
    wait_until(lambda: not is_running(kernel))
    if number == signal.SIGINT:
        assert "--name x goes on" in err and "Traceback" not in err
        assert status(tmp_path / "x")["01_first"]["error"] == "stopped by the user"


def test_help_is_quick_because_it_imports_no_heavy_library():
    code = (
        "import sys, mnist_helpers.runner.cli\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'papermill', 'nbformat', 'tqdm'}\n"
        "sys.exit(str(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=PROJECT)
    shown = subprocess.run(
        [sys.executable, "-m", "mnist_helpers", "run", "--help"],
        check=True,
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert "--quick" in shown.stdout and "an even whole number" in shown.stdout


def test_a_page_links_pages_fits_a_phone_and_leaves_out_what_needs_a_kernel(tmp_path):
    widget = {WIDGET: {"model_id": "0"}, "text/plain": "Slider(value=1)"}
    live = widget | {"text/html": "<b>still</b>"}
    outputs = [new_output("display_data", data) for data in (live, widget)]
    notes = "I0000 00:00:1.2 3 port.cc:1] oneDNN is on.\nsaid by the notebook\n"
    outputs.append(new_output("stream", name="stderr", text=notes))
    cells = [new_markdown_cell("[next](02_b.ipynb)"), new_code_cell("show()", outputs=outputs)]
    path = tmp_path / "01_a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    write_page(path)
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert "<title>01_a</title>" in page and 'href="02_b.html"' in page
    assert "@media (max-width: 600px)" in page.partition("</head>")[0]
    assert "<b>still</b>" in page and "Slider(value=1)" not in page and "widget-view" not in page
    assert "said by the notebook" in page and "oneDNN" not in page
