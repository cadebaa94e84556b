"""What has to be arranged before Keras and TensorFlow are imported, whoever imports them."""

# Lets a Python that is too old get as far as the sentence in __main__ that says so.
from __future__ import annotations

import importlib.util
import logging
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from mnist_helpers import paths

log = logging.getLogger("mnist_helpers.tensorflow")


def prepare() -> None:
    """Sets Keras's home and sends TensorFlow's start-up notes to the log.

    Without effect on what has been imported already: Keras then keeps its home, which matters to
    its own downloads alone (see `paths.datasets_dir`).
    """
    # Absolute, because papermill and nbval change the working directory.
    os.environ.setdefault("KERAS_HOME", str(paths.PROJECT / "data"))
    # Covers what TensorFlow says once it runs; what it says before passes this setting by.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # OpenMP's threads spin while they wait for each other, which on a busy machine takes t-SNE
    # several times as long; read when scikit-learn loads it.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    # Pydantic would look for plugins in what every installed package says of itself, at each start.
    os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
    if "tensorflow" not in sys.modules:
        sys.meta_path.insert(0, _TensorFlowFinder())


class _TensorFlowFinder:
    """Has `import tensorflow`, and its first look at the devices, run inside `notes_to_log`."""

    def find_spec(self, name, path=None, target=None):  # type: ignore[no-untyped-def]
        """Finds TensorFlow as the other finders do; all else is theirs."""
        if name != "tensorflow":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        if spec and spec.loader:
            execute = spec.loader.exec_module

            def execute_quietly(module):  # type: ignore[no-untyped-def]
                with notes_to_log():
                    execute(module)
                    module.config.list_physical_devices()

            spec.loader.exec_module = execute_quietly  # type: ignore[method-assign]
        return spec


@contextmanager
def notes_to_log() -> Iterator[None]:
    """Logs what is written to file descriptor 2, as libraries in C++ do, at level INFO.

    If the block fails, it goes to the standard error after all.
    """
    try:
        original = os.dup(2)
    except OSError:  # a process without a standard error
        yield
        return
    with tempfile.TemporaryFile() as notes:
        os.dup2(notes.fileno(), 2)
        failed = True
        try:
            yield
            failed = False
        finally:
            os.dup2(original, 2)
            os.close(original)
            notes.seek(0)
            text = notes.read().decode(errors="replace")
            if failed:
                sys.stderr.write(text)
            for line in text.splitlines():
                log.info(line)
