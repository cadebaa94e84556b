"""What `fit` needs beside the data: precision, optimiser, and callbacks that survive a kill."""

import hashlib
import json
import platform
import shutil
import time
from pathlib import Path

from mnist_helpers.artifacts import save_model
from mnist_helpers.paths import atomic_write, output_dir

import keras
import numpy as np
import tensorflow as tf

WEIGHT_DECAY = 0.05  # settled on validation: benchmarks/recipe.md


def native_precision() -> str:
    """Returns the fastest dtype policy that this machine computes natively.

    "mixed_bfloat16" on a GPU and on processors with bfloat16 instructions (Intel from Cooper Lake,
    AMD from Zen 4), "float32" elsewhere, where 16 bits would be emulated and slower.
    """
    if tf.config.list_physical_devices("GPU"):
        return "mixed_bfloat16"
    cpuinfo = Path("/proc/cpuinfo")
    flags = cpuinfo.read_text() if platform.system() == "Linux" and cpuinfo.exists() else ""
    return "mixed_bfloat16" if "avx512_bf16" in flags or "amx_bf16" in flags else "float32"


def phase_optimizer(learning_rate: float, steps: int) -> keras.optimizers.AdamW:
    """AdamW with a linear warm-up and a cosine decay to zero over one phase.

    Args:
        learning_rate: The highest rate, reached after a tenth of the steps.
        steps: Training steps of the whole phase.
    """
    warmup = max(steps // 10, 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0,
        warmup_target=learning_rate,
        warmup_steps=warmup,
        decay_steps=max(steps - warmup, 1),
    )
    return keras.optimizers.AdamW(schedule, weight_decay=WEIGHT_DECAY)


class ResumableTraining(keras.callbacks.Callback):
    """Keeps the whole state of a training on disk after each epoch, and takes it up again.

    Keras's `BackupAndRestore` brings back epoch and weights but not the best so far or the history;
    this does, so that a killed and continued training ends with the same weights, bit for bit, as
    an undisturbed one.

    `keras.callbacks.ModelCheckpoint` finds and writes the best model under a temporary name; it is
    then saved in float32 as `artifacts.save_model` does, so that a kill never leaves half a model.

    Example:
    ```python
    training = ResumableTraining(OUTPUT_DIR, "clean_phase", "best_clean_phase.keras", settings)
    first_epoch = training.resume(model)
    model.fit(..., initial_epoch=first_epoch, callbacks=training.callbacks)
    ```

    Args:
        folder: Where the state and the best model are kept.
        phase: Name of the phase; begins the state's file name.
        best_model: File name of the model that is best on validation.
        settings: What determines the result (JSON values). A state of other settings is not used.
        previous_best: Best model of an earlier phase, which this phase's best must beat.
        previous_history: That phase's epochs; the numbering goes on from there.

    Attributes:
        callbacks: What to give to `fit`, in the order that works.
        history: One dict of metrics per finished epoch, over all interruptions.
    """

    def __init__(
        self, folder, phase, best_model, settings, previous_best=None, previous_history=()
    ):
        super().__init__()
        self.folder = output_dir(folder)
        self.state_file = self.folder / f"{phase}.state.npz"
        self.best_file = self.folder / best_model
        self.settings = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()
        self.previous_best = previous_best
        self.previous_history = list(previous_history)
        self.history = []

    def resume(self, model: keras.Model) -> int:
        """Brings back the state of an interrupted training, if there is one for these settings.

        Args:
            model: Compiled model.

        Returns:
            The number of finished epochs, to be `fit`'s `initial_epoch`, those of an earlier phase
            included; so 0 for a fresh start without one.
        """
        model.optimizer.build(model.trainable_variables)
        resumed = self._load_state(model)
        done = self.previous_history + self.history
        if resumed:
            print(f"Going on after epoch {done[-1]['epoch']} of an interrupted training.")
        elif self.previous_best:
            with atomic_write(self.best_file) as temporary:
                shutil.copyfile(self.previous_best, temporary)
        self.candidate = self.best_file.with_name(f".{self.best_file.stem}.checkpoint.keras")
        checkpoint = keras.callbacks.ModelCheckpoint(
            self.candidate,
            monitor="val_accuracy",
            mode="max",
            save_best_only=True,
            initial_value_threshold=max((row["val_accuracy"] for row in done), default=None),
        )
        self.callbacks = [checkpoint, self]
        return len(done)

    def on_epoch_begin(self, epoch, logs=None):
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        if self.candidate.exists():
            # The checkpoint is in this machine's layers and precision; what is kept runs anywhere.
            save_model(self.model, self.best_file)
            self.candidate.unlink()
        seconds = round(time.perf_counter() - self.started, 2)
        metrics = {name: float(value) for name, value in logs.items()}
        self.history.append({"epoch": epoch + 1, **metrics, "seconds": seconds})
        self._save_state()

    def finish(self) -> None:
        """Removes the state; call it when the phase's results are safely saved."""
        self.state_file.unlink(missing_ok=True)

    def _variables(self, model):
        layers = [variable for layer in model.layers for variable in layer.variables]
        return layers + model.optimizer.variables

    def _save_state(self):
        values = {f"v{i}": np.asarray(v) for i, v in enumerate(self._variables(self.model))}
        with atomic_write(self.state_file) as temporary:
            np.savez(temporary, settings=self.settings, history=json.dumps(self.history), **values)

    def _load_state(self, model):
        if not self.state_file.exists():
            return False
        with np.load(self.state_file, allow_pickle=False) as state:
            if str(state["settings"]) != self.settings:
                print(f"{self.state_file.name} belongs to other settings: starting afresh.")
                return False
            for i, variable in enumerate(self._variables(model)):
                variable.assign(state[f"v{i}"])
            self.history = json.loads(str(state["history"]))
        return True
