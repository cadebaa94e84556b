"""Training that survives being killed: its state on disk after each epoch."""

import json
import shutil
import time

import keras
import numpy as np

from mnist_helpers.files import UNREADABLE, atomic_write
from mnist_helpers.paths import output_dir
from mnist_helpers.training.artifacts import save_model
from mnist_helpers.training.folder_lock import FolderLock
from mnist_helpers.training.interruption import explain_interruption, stop_explaining
from mnist_helpers.training.layers import FusedBatchNormalization
from mnist_helpers.training.monitoring import live_curves, tensorboard


class ResumableTraining(keras.callbacks.Callback):
    """Keeps the whole state of training on disk after each epoch, and resumes from it.

    Keras's `BackupAndRestore` brings back epoch and weights but not the best so far or the history;
    this does, so that a run that was killed and resumed ends with the same weights, bit for bit,
    as an undisturbed one.

    `keras.callbacks.ModelCheckpoint` finds and writes the best model under a temporary name; it is
    then saved in float32 as `artifacts.save_model` does, so that a kill never leaves half a model.

    Example::

        training = ResumableTraining(OUTPUT_DIR, "clean_phase", "best_clean_phase.keras", settings)
        first_epoch = training.resume(model)
        model.fit(..., initial_epoch=first_epoch, callbacks=training.callbacks)

    Args:
        folder: Where the state and the best model are kept.
        phase: Name of the phase; begins the state's file name.
        best_model: File name of the model that is best on validation.
        settings: What determines the result (JSON values). A state of other settings is not used.
        previous_best: Best model of an earlier phase, which this phase's best must beat.
        previous_history: That phase's epochs; the numbering continues from there.

    Attributes:
        callbacks: What to give to `fit`, in the order that works.
    """

    def __init__(
        self, folder, phase, best_model, settings, previous_best=None, previous_history=()
    ):
        super().__init__()
        self.folder, self.phase = output_dir(folder), phase
        self.state_file = self.folder / f"{phase}.state.npz"
        self.best_file = self.folder / best_model
        self.settings = json.dumps(settings, sort_keys=True)
        self.previous_best = previous_best
        self.previous_history = list(previous_history)
        self.stage = "new"
        self._history = []

    def resume(self, model: keras.Model) -> int:
        """Brings back the state of an interrupted training, if there is one for these settings.

        Args:
            model: Compiled model.

        Returns:
            The number of finished epochs, to be `fit`'s `initial_epoch`, those of an earlier phase
            included; so 0 for a fresh start without one.

        Raises:
            FolderBusyError: Another process is training into the folder.
            RuntimeError: The model has been trained already and there is no state to bring back.
            ValueError: The state is damaged or of another network.
        """
        self.lock = FolderLock(self.folder)
        model.optimizer.build(model.trainable_variables)
        resumed = self._load_state(model)
        if not resumed and getattr(model, "was_trained", False):
            raise RuntimeError(
                "This network has already been trained, so it is no fresh start: run the notebook "
                "again from the cell that makes or loads the network."
            )
        self.stage = "ready"
        done = self.previous_history + self._history
        if resumed:
            print(f"Continuing an interrupted training after epoch {done[-1]['epoch']}.")
        elif self.previous_best:
            with atomic_write(self.best_file) as temporary:
                shutil.copyfile(self.previous_best, temporary)
        self.candidate = self.best_file.with_name(f".{self.best_file.stem}.checkpoint.keras")
        self.candidate.unlink(missing_ok=True)  # of a process that was killed while it wrote
        checkpoint = keras.callbacks.ModelCheckpoint(
            # Keras takes the path for a template.
            str(self.candidate).replace("{", "{{").replace("}", "}}"),
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
            initial_value_threshold=max((row["val_accuracy"] for row in done), default=None),
        )
        self.callbacks = [checkpoint, self, *live_curves(done), *tensorboard(self.phase)]
        return len(done)

    @property
    def history(self) -> list[dict]:
        """One dict of metrics per finished epoch, over all interruptions; once `fit` is through."""
        if self.stage != "done":
            raise RuntimeError(
                "This training has not run to its end: run the cell with resume() and the one with "
                "fit() first; it continues after the last finished epoch."
            )
        return self._history

    def on_train_begin(self, logs=None):
        if self.stage != "ready":
            raise RuntimeError(
                "This training has already begun: run the cell with resume() again before this one;"
                " it continues after the last finished epoch."
            )
        self.stage = "running"
        self.model.was_trained = True
        explain_interruption(self._how_to_continue)

    def on_train_end(self, logs=None):
        self.stage = "done"
        stop_explaining()

    def _how_to_continue(self) -> str:
        if not self._history:
            return (
                "Training was interrupted before the first epoch was complete. To start again, run "
                "the notebook from the cell that makes or loads the network."
            )
        return (
            f"Training was interrupted; epoch {self._history[-1]['epoch']} is the last complete "
            "one. To continue after it, run the cell with resume() and the ones below it."
        )

    def on_epoch_begin(self, epoch, logs=None):
        self.started, self.cpu_started = time.perf_counter(), time.process_time()

    def on_epoch_end(self, epoch, logs=None):
        if self.candidate.exists():
            # The checkpoint is in this machine's layers and precision; what is kept runs anywhere.
            save_model(self.model, self.best_file)
            self.candidate.unlink()
        times = {
            "seconds": round(time.perf_counter() - self.started, 2),
            "cpu_seconds": round(time.process_time() - self.cpu_started, 2),
        }
        metrics = {name: float(value) for name, value in logs.items()}
        self._history.append({"epoch": epoch + 1, **metrics, **times})
        self._save_state()

    def finish(self) -> None:
        """Removes the state and frees the folder; call it when the results are safely saved."""
        self.state_file.unlink(missing_ok=True)
        self.lock.release()

    def _variables(self, model):
        """Returns all that training changes, by its name in the state."""
        layers = [variable for layer in model.layers for variable in layer.variables]
        norms = [layer for layer in model.layers if isinstance(layer, FusedBatchNormalization)]
        changed = layers + [layer.steps for layer in norms] + model.optimizer.variables
        return {f"v{i}": variable for i, variable in enumerate(changed)}

    def _save_state(self):
        history, variables = json.dumps(self._history), self._variables(self.model)
        with atomic_write(self.state_file) as temporary:
            np.savez(temporary, settings=self.settings, history=history, **variables)

    def _load_state(self, model):
        if not self.state_file.exists():
            return False
        try:
            with self.state_file.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                state = dict(arrays)
        except UNREADABLE as error:
            raise ValueError(
                f"{self.state_file} is damaged ({error}): remove it to start this training again."
            ) from error
        variables = self._variables(model)
        shapes = {name: tuple(variable.shape) for name, variable in variables.items()}
        saved = {name: state[name].shape for name in state if name in shapes}
        if str(state.get("settings")) != self.settings or saved != shapes:
            print(f"{self.state_file.name} belongs to other settings: starting afresh.")
            return False
        for name, variable in variables.items():
            variable.assign(state[name])
        self._history = json.loads(str(state["history"]))
        return True
