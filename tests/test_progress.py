import io
import sys
import time

import pytest

from mnist_helpers.runner.sweep.plan import make_plan, pending_tasks
from mnist_helpers.runner.sweep.progress import Display
from mnist_helpers.runner.sweep.task import take_off
from mnist_helpers.runner.sweep.time_estimate import Estimate, duration
from tests.tiny import write_training


@pytest.fixture
def show(tmp_path, monkeypatch):
    """Makes a display of two runs that share their first notebook, and what it writes into."""
    for name in ("01_first", "02_second"):
        write_training(tmp_path / f"{name}.ipynb", name)
    file = tmp_path / "study.yaml"
    text = "notebooks: [01_first.ipynb, 02_second.ipynb]\ngrid: {02_second: {SHARE: [0, 1]}}"
    file.write_text(text)
    runs = make_plan(file, tmp_path / "runs")

    def make(terminal):
        # Not sooner: pytest puts its own stderr in place when the test begins.
        monkeypatch.setattr(sys, "stderr", io.StringIO())
        monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
        monkeypatch.setenv("COLUMNS", "120")
        left = {task.key: task for task in pending_tasks(runs)}
        return Display(runs, left, Estimate(tmp_path)), runs, sys.stderr

    return make


def entry(task, **changes):
    now = {"parameters": task.parameters, "cores": 1, "error": None, "epoch": "", "accuracy": None}
    return now | {"cell": 3, "cells": 5, "started": time.time() - 90, "seconds": 90.0} | changes


def end(display, task, **changes):
    take_off(task, changes, display.left)
    display.on_end(task, entry(task, **changes))


def test_lines_name_what_a_task_is_for_and_what_is_left(show):
    display, runs, written = show(terminal=False)
    first, second = runs[0].tasks
    with display:
        display.on_change(first.key, entry(first))
        end(display, first, state="done")
        display.on_change(second.key, entry(second, started=1))
        display.on_change(second.key, entry(second, started=1, epoch="2/3"))
        display.on_change(second.key, entry(second, started=2))
        end(display, second, state="failed", error="02 failed in cell 3\nOSError")
        display.on_change(second.key, entry(second))  # of a worker that lives on; nobody waits
    assert display.summary().startswith("0 of 2 runs done, about")
    lines = written.getvalue().splitlines()
    other, runs, _ = show(terminal=False)
    end(other, runs[0].tasks[0], state="failed", error="fire")
    assert other.summary() == "0 of 2 runs done, nothing left"  # what builds on it is off the list
    assert lines[0] == "shared by 2 runs: 01_first: started, 5 cells"
    assert lines[1].startswith("shared by 2 runs: 01_first: done in 2 min; 0 of 2 runs done, about")
    assert lines[2:] == [
        "SHARE=0: 02_second: started, 5 cells",
        "SHARE=0: 02_second: its worker died; started again",
        "SHARE=0: 02_second: FAILED",
        "02 failed in cell 3",
        "OSError",
    ]


def test_a_terminal_shows_a_table_and_what_must_not_be_missed(show):
    display, runs, written = show(terminal=True)
    first, second = runs[1].tasks
    with display:
        end(display, first, state="done")
        display.on_change(second.key, entry(second, epoch="3/10", accuracy=0.9876))
        end(display, runs[0].tasks[1], state="failed", error="[b]fire[/b] FAILED")
    shown = written.getvalue()
    assert "0 of 2 runs done, about" in shown and "[b]fire[/b] FAILED" in shown
    for text in ("SHARE=1", "02_second", "3/5", "3/10", "98.76%", "2 min"):
        assert text in shown, text
    assert "started" not in shown and "01_first: done" not in shown


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.4, "0 s"), (59, "59 s"), (100, "2 min"), (3600, "1 h 0 min")]
)
def test_durations_in_words(seconds, text):
    assert duration(seconds) == text
