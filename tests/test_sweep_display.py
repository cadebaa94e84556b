import io
import sys
import time

import pytest

from mnist_helpers.files import write_json
from mnist_helpers.runner.display import Display, LiveDisplay, duration
from mnist_helpers.runner.estimate import Estimate
from mnist_helpers.runner.plan import make_plan
from mnist_helpers.runner.scheduler import steps_to_do
from mnist_helpers.runner.sweep_file import read_definition
from tests.tiny import write_training


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def show(tmp_path, monkeypatch):
    """Makes a display of two runs that share their first notebook, and what it writes into."""
    for name in ("01_first", "02_second"):
        write_training(tmp_path / f"{name}.ipynb", name)
    file = tmp_path / "study.yaml"
    text = "notebooks: [01_first.ipynb, 02_second.ipynb]\ngrid: {02_second: {SHARE: [0, 1]}}"
    file.write_text(text)
    runs = make_plan(read_definition(file), tmp_path / "runs")

    def make(kind):
        # Not sooner: pytest puts its own stderr in place when the test begins.
        terminal = Terminal()
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("COLUMNS", "120")
        return kind(runs, steps_to_do(runs), Estimate(tmp_path), 2), runs, terminal

    return make


def note(step, **entry):
    base = {"parameters": step.parameters, "cores": 1, "error": None, "epoch": "", "accuracy": None}
    entry = base | {"started": time.time() - 90, "seconds": 90.0} | entry
    write_json(step.folder / "status.json", {"key": step.key, "notebooks": {step.name: entry}})


def test_lines_name_what_a_step_is_for_and_what_is_left(show):
    display, runs, terminal = show(Display)
    first, second = runs[0].steps
    with display:
        display.began(first)
        note(first, state="done")
        display.ended(first, "done")
        display.ended(second, "lost")
        note(second, state="failed", error="02_second.ipynb failed in cell 3\nOSError: fire")
        display.ended(second, "failed")
    lines = terminal.getvalue().splitlines()
    assert lines[0] == "shared by 2 runs: 01_first begins"
    assert lines[1].startswith("shared by 2 runs: 01_first done in 2 min; 0 of 2 runs done, about")
    assert lines[2] == "SHARE=0: 02_second lost its worker and is done again"
    assert lines[3:] == [
        "SHARE=0: FAILED",
        "02_second.ipynb failed in cell 3",
        "OSError: fire",
    ]


def test_a_terminal_shows_a_table_with_epoch_accuracy_and_time(show):
    display, runs, terminal = show(LiveDisplay)
    first, second = runs[1].steps
    with display:
        note(first, state="done")
        display.ended(first, "done")
        note(second, state="running", epoch="3/10", accuracy=0.9876)
        display.look([second])
    shown = terminal.getvalue()
    assert "0 of 2 runs done, about" in shown
    for text in ("SHARE=1", "02_second", "3/10", "98.76%", "2 min"):
        assert text in shown, text


def test_a_failed_shared_step_takes_what_builds_on_it_off_the_list(show):
    display, runs, terminal = show(Display)
    note(runs[0].steps[0], state="failed", error="fire")
    display.ended(runs[0].steps[0], "failed")
    assert display.time_left() == "nothing left"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (100, "2 min"), (3600, "1 h 0 min")]
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text
