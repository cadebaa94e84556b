import re
from typing import get_args

import numpy as np
import pytest

from mnist_helpers.runner import export_formats as export
from mnist_helpers.runner.cli.export import Format
from tests.limits import largest_file

IMAGES = np.random.default_rng(0).random((20, 28, 28, 1), np.float32)


def skip_without(name):
    try:
        export.require_packages(name)
    except ModuleNotFoundError as error:
        pytest.skip(str(error))


def test_the_command_line_knows_the_formats():
    assert get_args(Format) == (*export.FORMATS, "page")


@pytest.mark.slow
@pytest.mark.parametrize("name", export.FORMATS)
def test_every_runtime_gives_the_same_answers(name, network, tmp_path):
    skip_without(name)
    path = tmp_path / f"model{export.FORMATS[name].suffix}"
    assert export.export(network, name, path, IMAGES) < 1e-5
    loaded = export.FORMATS[name].load(str(path))(IMAGES)
    np.testing.assert_allclose(loaded, network.predict(IMAGES, verbose=0), atol=1e-5)
    assert [file.name for file in tmp_path.iterdir()] == [path.name]
    with pytest.raises(FileExistsError, match="there already"):
        export.export(network, name, path, IMAGES)


def test_other_answers_fail_and_leave_nothing(network, tmp_path, monkeypatch):
    worse = export.FORMATS["savedmodel"]._replace(
        load=lambda path: lambda images: np.roll(network.predict(images, verbose=0), 1, axis=1)
    )
    monkeypatch.setitem(export.FORMATS, "savedmodel", worse)
    with pytest.raises(export.ExportError, match="other answers to 20 of 20 images"):
        export.export(network, "savedmodel", tmp_path / "model", IMAGES)
    assert not list(tmp_path.iterdir())


@pytest.mark.slow
@pytest.mark.parametrize("name", export.FORMATS)
def test_a_full_disk_is_said_with_the_name_of_the_file(name, network, tmp_path):
    skip_without(name)
    path = tmp_path / f"model{export.FORMATS[name].suffix}"
    said = re.escape(f"{path} could not be written (File too")
    with largest_file(200), pytest.raises(OSError, match=said):
        export.export(network, name, path, IMAGES)
    assert not list(tmp_path.iterdir())


def test_what_an_exporter_stumbles_over_is_one_sentence(network, tmp_path, monkeypatch):
    def fail(path):
        raise KeyError("first line\nsecond line")

    monkeypatch.setitem(
        export.FORMATS, "savedmodel", export.FORMATS["savedmodel"]._replace(load=fail)
    )
    with pytest.raises(export.ExportError, match="cannot be exported to savedmodel: .*first line"):
        export.export(network, "savedmodel", tmp_path / "model", IMAGES)
    assert not list(tmp_path.iterdir())


def test_probabilities_far_off_fail_too():
    given = np.array([[0.6, 0.4]])
    assert export.compare_answers("It", given, given, 0.01) == 0
    for found, words in ((0.7, "It gives .* up to 0.1"), (np.nan, "nothing was written")):
        with pytest.raises(export.ExportError, match=words):
            export.compare_answers("It", given, np.array([[found, 0.4]]), 0.01)


def test_missing_packages_are_named_with_the_command_that_installs_them(
    monkeypatch, network, tmp_path
):
    lacking = export.FORMATS["onnx"]._replace(packages=("no_such_package",))
    monkeypatch.setitem(export.FORMATS, "onnx", lacking)
    with pytest.raises(ModuleNotFoundError, match="needs no_such_package.* -r requirements.lock"):
        export.export(network, "onnx", tmp_path / "model.onnx", IMAGES)


@pytest.mark.slow
def test_the_command_exports_and_compares(model_file, tmp_path, said):
    arguments = "export", "savedmodel", "--model", model_file, "--dataset", "digits"
    arguments += "--output", tmp_path / "out"
    assert "same answers to 360 test images as tiny.keras" in said(0, *arguments)
    assert "there already" in said(2, *arguments)
