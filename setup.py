"""Packs the shipped model, the notebooks and a sweep's results; all else is in pyproject.toml.

A checkout, and an editable installation of one, use them where they lie.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKED = {
    "shipped": "trained_model/shipped",
    "notebooks": "notebooks",
    "sweeps/results/strategy": "sweeps/results/strategy",
}


class BuildWithModel(build_py):
    """Copies the files beside the modules, from where `mnist_helpers.paths` reads them."""

    def run(self) -> None:
        """Called by setuptools."""
        super().run()
        if self.editable_mode:
            return
        for name, folder in PACKED.items():
            target = Path(self.build_lib, "mnist_helpers", name)
            self.mkpath(str(target))
            for file in sorted(Path(folder).glob("[!.]*.*")):
                self.copy_file(str(file), str(target / file.name))


setup(cmdclass={"build_py": BuildWithModel})
