"""Watching training while it runs: learning curves with the time left, and TensorBoard."""

import base64
import os
import time
from importlib.util import find_spec
from pathlib import Path

import keras
from IPython import get_ipython
from IPython.display import HTML, DisplayHandle, Markdown

from mnist_helpers.plotting.style import figure_png
from mnist_helpers.plotting.training import plot_learning_curves


class LiveCurves(keras.callbacks.Callback):
    """Shows a bar, the time left and the curves at each epoch's end, in one place of a notebook.

    When training ends, a single line is left. It draws between epochs only and has no hook on
    batches, for which Keras would have to fetch the metrics after each.

    Args:
        history: The epochs before this training, as `plot_learning_curves` takes them.
    """

    def __init__(self, history: list[dict]) -> None:
        super().__init__()
        self.history = list(history)
        self.handle = DisplayHandle()

    def on_train_begin(self, logs: dict | None = None) -> None:
        self.done, self.started = 0, time.perf_counter()
        if not self.history:
            self.handle.display(Markdown("Training: the first epoch is running."))
            return
        self.handle.display(Markdown("Training continues."))
        # Epochs of an earlier phase, or from before an interruption.
        self._show(f"epoch {self.history[-1]['epoch'] + 1} is running")

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        self.done += 1
        self.history.append({"epoch": epoch + 1, **(logs or {})})
        left = self.params["epochs"] - epoch - 1
        seconds = left * (time.perf_counter() - self.started) / self.done
        self._show(f"about {_clock(seconds)} left")

    def _show(self, state: str) -> None:
        """Replaces what is displayed by a bar, `state` and the curves of all epochs so far."""
        epoch, total = self.history[-1]["epoch"], self.params["epochs"]
        figure = figure_png(plot_learning_curves(self.history, "Learning curves so far"))
        picture = base64.b64encode(figure.data).decode()
        self.handle.update(
            HTML(
                f'<progress value="{epoch}" max="{total}"></progress> '
                f"epoch {epoch} of {total}, {state}<br>"
                f'<img src="data:image/png;base64,{picture}" width="{figure.width}" alt="Loss and '
                f'error rate of the epochs so far.">'
            )
        )

    def on_train_end(self, logs: dict | None = None) -> None:
        spent = _clock(time.perf_counter() - self.started)
        self.handle.update(Markdown(f"Epochs trained: {self.done}, in {spent} (minutes:seconds)."))


def live_curves(history: list[dict]) -> list[keras.callbacks.Callback]:
    """Returns the callback that shows curves, in a notebook; nothing elsewhere."""
    return [LiveCurves(history)] if hasattr(get_ipython(), "kernel") else []


def tensorboard(phase: str) -> list[keras.callbacks.Callback]:
    """Returns Keras's TensorBoard callback if the environment names a folder for its logs.

    Resumed training writes on into the same folder.

    Args:
        phase: Subfolder of `TENSORBOARD_DIR`.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """
    folder = os.environ.get("TENSORBOARD_DIR")
    if not folder:
        return []
    if not find_spec("tensorboard"):
        raise ModuleNotFoundError(
            "TENSORBOARD_DIR is set, but TensorBoard is not installed: run `pip install "
            "tensorboard`, or unset the variable."
        )
    return [keras.callbacks.TensorBoard(str(Path(folder).expanduser() / phase), write_graph=False)]


def _clock(seconds: float) -> str:
    return "{}:{:02}".format(*divmod(round(seconds), 60))
