import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nbformat
import psutil
import pytest
from filelock import FileLock
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mnist_helpers.files import write_json
from mnist_helpers.paths import PROJECT
from mnist_helpers.runner.cli import main
from mnist_helpers.runner.cli.run import QUICK, _checked
from mnist_helpers.runner.notebook.given_parameters import Setting, notebook_values
from mnist_helpers.runner.notebook.output import Output, merge_streams
from mnist_helpers.runner.notebook.read import notebook_parameters, read_notebook
from mnist_helpers.runner.page import notebook_page
from mnist_helpers.runner.page.notebook_page import WIDGET, write_page
from tests.limits import largest_file
from tests.stress import often, record_specimens
from tests.tiny import forget_notebooks, outputs, start_python, wait_until, write_notebook

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
        forget_notebooks()
        path = tmp_path / "notebooks" / f"{name}.ipynb"
        return write_notebook(path, *sources, parameters=parameters)

    return make


@pytest.fixture
def run(tmp_path):
    """Runs the command `run` in this process; returns its exit status."""

    def start(notebooks, *more, name="run"):
        command = ["run", "--dataset", "digits", "--output", str(tmp_path), "--name", name]
        return main([*command, *more], notebooks)

    return start


def status(folder):
    return json.loads((folder / "status.json").read_text())["notebooks"]


@pytest.fixture
def foreign_kernel(tmp_path, monkeypatch):
    """A kernel of the same name that is installed elsewhere, and must not be used."""
    foreign = tmp_path / "foreign" / "kernels" / "python3"
    foreign.mkdir(parents=True)
    spec = {"argv": ["/nowhere/python", "-f", "{connection_file}"], "display_name": "P"}
    (foreign / "kernel.json").write_text(json.dumps({**spec, "language": "python"}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "foreign"))


def test_a_command_whose_output_nobody_reads_on_ends_quietly():
    command = [sys.executable, "-m", "mnist_helpers", "sweep", "sweeps/example.yaml", "--dry-run"]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=PROJECT, env=buffered, **pipes) as process:
        process.stdout.close()  # as `head` does when it has seen enough
        assert (process.stderr.read(), process.wait(60)) == (b"", 1)


@pytest.mark.slow
def test_a_run_leaves_notebooks_pages_log_status_and_table(
    notebook, run, tmp_path, capfd, foreign_kernel
):
    first = notebook("01_first", NOTE_START.format("first"), "import sys\nprint(sys.executable)")
    second = notebook("02_second", NOTE_START.format("second"), EPOCHS_CELL, LIBRARY_NOISE)
    third = notebook("03_third", "print('no parameters used')", parameters="SEED: int = 0  # x")
    folder = tmp_path / "run"
    assert run([first, second, third], "-p", "EPOCHS", "3") == 0

    assert (folder / "order.txt").read_text().split() == ["first", "second"]
    assert sys.executable in outputs(folder / "01_first.ipynb")
    assert "Epoch 3/3" in outputs(folder / "02_second.ipynb")
    log = (folder / "run.log").read_text()
    assert "from a C library" in log
    assert sys.executable in log and "Epoch 3/3" in log and "no parameters used" in log
    page = (folder / "01_first.html").read_text()
    assert Path(sys.executable).name in page and 'href="02_second.html"' in page
    assert str(folder) not in page
    assert (folder / "02_second.html").exists() and (folder / "03_third.html").exists()
    assert [entry["state"] for entry in status(folder).values()] == ["done"] * 3
    assert all(entry["seconds"] > 0 for entry in status(folder).values())
    assert (folder / "results.csv").read_text() == "run,variant,state,error\nrun,,done,\n"
    results = (folder / "results.html").read_text()
    assert "Runs: 1 in all; 1 done, 0 failed, 0 waiting." in results
    # The committed notebook stays as it was.
    assert outputs(second) == ""

    out, err = capfd.readouterr()
    assert str(folder) in out and "proves nothing" not in out
    lines = [line for line in err.splitlines() if "done in" not in line]
    assert lines == [
        "[1/3] 01_first: started, 5 cells",
        "[2/3] 02_second: started, 6 cells",
        "[2/3] 02_second: epoch 1/3",
        "[2/3] 02_second: epoch 2/3",
        "[2/3] 02_second: epoch 3/3",
        "[3/3] 03_third: started, 3 cells",
    ]


@pytest.mark.slow
def test_braces_in_a_path_are_no_template_and_temporary_files_may_lie_deep(tmp_path, monkeypatch):
    long = tmp_path / ("t" * (109 - len(str(tmp_path)) - 1))
    braces = tmp_path / "a {b} {} }c{"
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    path = write_notebook(braces / "01_{x}.ipynb", "1", parameters="SEED: int = 0  # x")
    command = ["run", "-p", "SEED", "3", "--output", str(braces), "--name", "{run}"]
    assert main(command, [path]) == 0
    assert (braces / "{run}" / "01_{x}.html").exists()


@pytest.mark.slow
def test_a_failing_cell_is_named_and_a_second_start_continues(notebook, run, tmp_path, capfd):
    folder = tmp_path / "run"
    first = notebook("01_first", NOTE_START.format("first"))
    broken = "print('so far')\nraise OSError('disk on fire')"
    second = notebook("02_second", "x = 1", broken, "print('never')")
    assert run([first, second], "-p", "EPOCHS", "1") == 1
    message = capfd.readouterr().err
    assert "02_second.ipynb failed in cell 5 of 6, which begins with: print('so far')" in message
    assert "OSError: disk on fire" in message and "the log, are in" in message
    assert "so far" in outputs(folder / "02_second.ipynb")
    assert "never" not in outputs(folder / "02_second.ipynb")
    assert [entry["state"] for entry in status(folder).values()] == ["done", "failed"]
    assert "disk on fire" in status(folder)["02_second"]["error"]

    untouched = (folder / "01_first.ipynb").stat().st_mtime_ns
    second = notebook("02_second", "print('repaired')")
    assert run([first, second], "-p", "EPOCHS", "2") == 2
    assert "other parameters or notebooks; choose another --name" in capfd.readouterr().err
    assert run([first, second], "-p", "EPOCHS", "1") == 0
    assert (folder / "01_first.ipynb").stat().st_mtime_ns == untouched
    assert (folder / "order.txt").read_text().split() == ["first"]
    assert "repaired" in outputs(folder / "02_second.ipynb")
    assert run([first, second], "-p", "EPOCHS", "1") == 2
    assert "finished run; choose another --name" in capfd.readouterr().err


@pytest.mark.slow
def test_a_dead_kernel_is_a_failure_though_papermill_says_completed(notebook, run, tmp_path, capfd):
    dying = notebook("01_first", "print('alive', flush=True)", "import os\nos._exit(3)", "1")
    assert run([dying]) == 1
    error = capfd.readouterr().err
    assert re.search(r"cell 5 of 6, .*import os\nDeadKernelError", error)
    assert "alive" in outputs(tmp_path / "run" / "01_first.ipynb")
    assert status(tmp_path / "run")["01_first"]["state"] == "failed"


@pytest.mark.promise(1)
@pytest.mark.parametrize("half_written", [".status.json.123.tmp", ".runner.json.123.tmp"])
def test_a_run_killed_in_its_first_moments_continues(notebook, run, tmp_path, half_written):
    leftover = tmp_path / "run" / half_written / half_written.removesuffix(".123.tmp")[1:]
    leftover.parent.mkdir(parents=True)
    leftover.write_text('{"state":')
    assert run([notebook("01_first", "1")]) == 0


def test_a_folder_with_other_files_or_another_run_is_left_alone(notebook, run, tmp_path, capfd):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("keep")
    path = notebook("01_first", "1")
    assert run([path], name="mine") == 2
    assert "other files; choose another --name" in capfd.readouterr().err
    assert not (tmp_path / "mine" / "results.csv").exists()
    (tmp_path / "busy").mkdir()
    write_json(tmp_path / "busy" / "runner.json", {"pid": 77, "host": "here", "since": "noon"})
    with FileLock(tmp_path / "busy" / "runner.lock"):
        assert run([path], name="busy") == 2
    assert "process 77 on here, since noon" in capfd.readouterr().err


@pytest.mark.slow
@pytest.mark.promise(2)
def test_a_full_disk_is_told_with_the_file_and_a_second_start_continues(
    notebook, run, tmp_path, capfd, record_property
):
    """The limits cut off what a run writes: its log, status, page or the executed notebook."""
    path = notebook("01_first", "print('x' * 60_000)", "print('y' * 60_000)")
    sizes = [90_000, *([1_000, 2_000, 4_000, 20_000, 65_000, 100_000, 125_000] * often(0, 1))]
    begun = time.perf_counter()
    for size in sizes:
        name = f"run{size}"
        with largest_file(size):
            assert run([path], name=name) in (1, 2)
        said = capfd.readouterr().err
        assert re.search(r"/[\w.]+ could not be (written|read) \(", said), said
        assert "JSON" not in said and "Traceback" not in said
        executed = tmp_path / name / "01_first.ipynb"
        assert not executed.exists() or read_notebook(executed)
        assert run([path], name=name) == 0
    seconds = (time.perf_counter() - begun) / len(sizes)
    record_specimens(record_property, "full disks", len(sizes), seconds)


@pytest.mark.timeout(60)
def test_a_line_of_any_length_and_a_bar_drawn_over_stall_nothing(tmp_path):
    bar = "".join("\b" * 9 + f"\r{n:4}/1000" for n in range(1000)) + "\n"
    streams = [
        bar,
        "x" * 400_000,
        "\rEpoch 2/3\n",
        "best val_accuracy: 0.5.\n",
        "z" * 2_000_000,
    ]
    with Output(tmp_path / "run.log") as printed:
        for text in streams:
            printed.write(text)
    assert printed.epoch == "2/3" and printed.accuracy == 0.5
    assert (tmp_path / "run.log").stat().st_size == len("".join(streams))
    cell = new_code_cell("", outputs=[new_output("stream", name="stdout", text=t) for t in streams])
    merge_streams(cell)
    (output,) = cell.outputs
    expected = " 999/1000\nEpoch 2/3\nbest val_accuracy: 0.5.\n" + "z" * 2_000_000
    assert output["text"] == expected


@pytest.mark.parametrize("declaration", ["EPOCHS = 3", "EPOCHS: int"])
def test_a_parameter_without_a_type_or_a_value_is_an_error(notebook, declaration):
    with pytest.raises(ValueError, match="01_first.ipynb declares EPOCHS without a type"):
        notebook_parameters(notebook("01_first", parameters=declaration))


# The command line


def test_each_notebook_gets_its_parameters_and_those_for_it_alone_win(notebook):
    first, second = notebook("01_first"), notebook("02_second", parameters="SEED: int = 0  # x")
    settings = [Setting("01_first.EPOCHS", 7), Setting("SEED", 3), Setting("EPOCHS", 1)]
    assert notebook_values(first, settings) == {"EPOCHS": 7}
    assert notebook_values(second, settings) == {"SEED": 3}


@pytest.mark.slow
def test_run_ends_with_a_table(notebook, run, tmp_path, capsys):
    clean = {"test_accuracy": 0.9912, "test_accuracy_interval": [0.9892, 0.9928]}
    clean["training_seconds"] = 100.4
    metrics = {"environment": {"dataset_title": "MNIST"}, "phases": {"clean_phase": clean}}
    write = f"open(OUTPUT_DIR + '/metrics.json', 'w').write({json.dumps(metrics)!r})"
    path = notebook("01_first", "print(DATASET, EPOCHS)", write)
    assert run([path], "--quick") == 0
    out = capsys.readouterr().out
    assert "Data: MNIST" in out and "2,000 images shows that everything works and proves" in out
    assert "99.12% (98.92% to 99.28%)" in out and "1 min 40 s" in out
    assert "not measured" in next(line for line in out.splitlines() if line.startswith("hybrid"))
    assert str(tmp_path / "run") in out and "01_first.html" in out
    assert f"digits {QUICK['EPOCHS']}" in outputs(tmp_path / "run" / "01_first.ipynb")


def test_quick_changes_what_is_not_given_and_only_if_asked_for(notebook):
    path = notebook("01_first")
    assert _checked([path], False, ["LEARNING_RATE=0.5"]) == {"LEARNING_RATE": 0.5}
    assert _checked([path], True, []) == {"EPOCHS": QUICK["EPOCHS"]}
    assert _checked([path], True, ["EPOCHS=7"]) == {"EPOCHS": 7}


@pytest.mark.parametrize(("arguments", "message"), [
    (["-p", "EPOCS", "3"], "Did you mean EPOCHS"),
    (["-p", "LEARNING_RATE", "nan"], "LEARNING_RATE must be a number, not 'nan'"),
    (["-p", "OUTPUT_DIR", "x"], "--output and --name"),
    (["-p", "DATASET", "mnist", "--dataset", "digits"], "given twice"),
])  # fmt: skip
def test_wrong_parameters_on_the_command_line_start_nothing(
    notebook, tmp_path, said, arguments, message
):
    command, first = ("run", "--output", tmp_path, "--name", "x"), notebook("01_first", "1")
    assert message in said(2, *command, *arguments, notebooks=[first])
    assert not (tmp_path / "x").exists()
    for name in ("", "..", "a/b"):
        said(2, "run", "--name", name)


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
def test_stated_mnist_never_falls_back(notebook, tmp_path, said, offline, stated):
    command, first = ("run", "--output", tmp_path, "--name", "x"), notebook("01_first", "1")
    err = said(1, *command, *stated, notebooks=[first])
    assert "MNIST_SOURCE" in err and "mnist.npz" in err and "digits" in err
    assert not (tmp_path / "x").exists()


def is_running(pid):
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="sends POSIX signals")
@pytest.mark.parametrize(
    ("number", "exit_status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)]
)
@pytest.mark.slow
def test_stopping_the_run_ends_the_kernel(notebook, tmp_path, number, exit_status):
    pid_file = tmp_path / "pid"
    sleeping = f"import os, time\nopen({str(pid_file)!r}, 'w').write(str(os.getpid()))"
    path = notebook("01_first", sleeping, "time.sleep(60)")
    command = ["run", "--dataset", "digits", "--output", str(tmp_path), "--name", "x"]
    code = "import sys\nfrom mnist_helpers.runner.cli import main\n"
    process = start_python("-c", f"{code}sys.exit(main({command}, [{str(path)!r}]))")
    kernel = int(wait_until(lambda: pid_file.exists() and pid_file.read_text()))
    process.send_signal(number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == exit_status
    wait_until(lambda: not is_running(kernel))
    if number == signal.SIGINT:
        assert "--name x continues" in err and "Traceback" not in err
        assert status(tmp_path / "x")["01_first"]["error"] == "stopped by the user"


def test_commands_have_a_version_and_completion(said, monkeypatch):
    assert "mnist-helpers" in said(0, "--version")
    assert "--install-completion" in said(0, "--help")
    asked = {"_MNIST_COMPLETE": "complete_bash", "COMP_WORDS": "mnist pre", "COMP_CWORD": "1"}
    for name, value in asked.items():
        monkeypatch.setenv(name, value)
    assert said(0).split() == ["predict"]


def test_a_page_links_pages_fits_a_phone_and_leaves_out_what_needs_a_kernel(tmp_path):
    widget = {WIDGET: {"model_id": "0"}, "text/plain": "Slider(value=1)"}
    live = widget | {"text/html": "<b>still</b>"}
    outputs = [new_output("display_data", data) for data in (live, widget)]
    notes = "I0000 00:00:1.2 3 port.cc:1] oneDNN is on.\nsaid by the notebook\n"
    outputs.append(new_output("stream", name="stderr", text=notes))
    prose = new_markdown_cell("# What is <b>`a`</b>?\n[next](02_b.ipynb), [play](06_try_it.ipynb)")
    places = f"OUTPUT_DIR = {str(tmp_path)!r}; DATASET = {str(PROJECT / 'data' / 'x')!r}"
    cells = [prose, new_code_cell("show()", outputs=outputs), new_code_cell(places)]
    path = tmp_path / "01_a.ipynb"
    nbformat.write(new_notebook(cells=cells), path)
    write_page(path)
    page = path.with_suffix(".html").read_text(encoding="utf-8")
    assert "<title>What is &lt;b&gt;a&lt;/b&gt;?</title>" in page and 'href="02_b.html"' in page
    assert not re.search(r"""(src|href)=["']https?:|import .*https?:|cdnjs|unpkg""", page)
    assert "@media (max-width: 600px)" in page.partition("</head>")[0]
    assert "<b>still</b>" in page and "Slider(value=1)" not in page and "widget-view" not in page
    assert "said by the notebook" in page and "oneDNN" not in page
    assert str(tmp_path) not in page and str(PROJECT) not in page and tmp_path.name in page
    assert "play" in page and "06_try_it" not in page  # a run makes no page of it
    assert "prefers-color-scheme: dark" in page and ".jp-RenderedImage img { max-width: no" in page


def test_links_to_documents_lead_there(monkeypatch, tmp_path):
    monkeypatch.setattr(notebook_page, "PROJECT", tmp_path)
    given = '<a href="../README.md">read</a> <a href="../docs/install.md#uv">uv</a>'
    page = notebook_page.LINK.sub(lambda link: notebook_page._link(link, tmp_path), given)
    (readme, none), (install, uv) = re.findall(r'href="([^"#]+)(#\w+)?"', page)
    assert (none, uv) == ("", "#uv")
    assert (tmp_path / readme).samefile(PROJECT / "README.md")
    assert (tmp_path / install).samefile(PROJECT / "docs/install.md")


@pytest.mark.parametrize("project", ["/", "/w"])
def test_a_short_path_is_not_taken_out_of_pictures_or_addresses(project, monkeypatch):
    monkeypatch.setattr(notebook_page, "PROJECT", Path(project))
    page = '<img src="data:image/png;base64,iVBO/w/Ah//w=="> https://x.org/w/a in /w/runs/one.'
    left = notebook_page._without_places(page, Path("/w/runs"))
    assert left == page.replace(" /w/runs", " runs" if project == "/w" else " w/runs")


@pytest.mark.slow
def test_a_folder_named_with_markup_is_text_on_its_page(tmp_path):
    path = write_notebook(tmp_path / "<img src=x onerror=y>" / "01_first.ipynb", "1")
    notebook = read_notebook(path)
    notebook["cells"][2]["outputs"] = [new_output("stream", text=f"wrote {path}\n")]
    path.write_text(json.dumps(notebook))
    write_page(path)
    page = path.with_suffix(".html").read_text()
    assert "wrote &lt;img src=x onerror=y&gt;/01_first.ipynb" in page and "<img src=x" not in page
