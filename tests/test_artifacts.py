import json
import re
import zipfile

import keras
import numpy as np
import pytest

from mnist_helpers.evaluation.calibration import temperature_scaled
from mnist_helpers.files import read_json, write_json
from mnist_helpers.paths import SHIPPED_DIR, TRAINED_DIR, output_dir
from mnist_helpers.training import artifacts, metrics, model_choice
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.precision import with_dtype_policy

HISTORY = [
    {"epoch": 1, "val_accuracy": 0.98, "seconds": 2.0, "cpu_seconds": 3.0},
    {"epoch": 2, "val_accuracy": 0.97, "seconds": 3.5, "cpu_seconds": 6.0},
]
GIVEN = {"AUGMENTED_SHARE": 0.8}


@pytest.fixture(scope="module")
def network():
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_cnn(seed=1, widths=(2, 2, 4))
    keras.config.set_dtype_policy("float32")
    return network


def test_a_saved_model_comes_back_with_its_weights_in_the_precision_asked_for(network, tmp_path):
    artifacts.save_model(network, tmp_path / "m.keras")
    loaded = artifacts.load_model(tmp_path / "m.keras")
    for a, b in zip(network.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]
    loaded = artifacts.load_model(tmp_path / "m.keras", "mixed_bfloat16")
    assert loaded.get_layer("conv1").compute_dtype == "bfloat16"
    assert loaded.get_layer("digit").compute_dtype == "float32"


def test_a_temperature_goes_into_the_saved_copy_and_not_into_the_model(network, tmp_path):
    images = np.random.default_rng(0).random((5, 28, 28, 1), np.float32)
    before = network.get_weights()
    artifacts.save_model(network, tmp_path / "m.keras", temperature=0.5)
    for a, b in zip(before, network.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    plain = with_dtype_policy(network, "float32").predict(images, verbose=0)
    sharper = artifacts.load_model(tmp_path / "m.keras").predict(images, verbose=0)
    np.testing.assert_allclose(sharper, temperature_scaled(plain, 0.5), atol=1e-5)


def test_the_augmented_phase_begins_without_the_temperature(network, tmp_path):
    artifacts.save_phase(
        network, tmp_path, "clean_phase", artifacts.CLEAN_MODEL, HISTORY, temperature=0.5
    )
    artifacts.save_model(network, tmp_path / "best_clean_phase.keras")
    begins = artifacts.load_clean_phase(tmp_path).network
    for a, b in zip(network.get_weights(), begins.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


def test_a_saved_model_leaves_the_optimiser_behind(network, tmp_path):
    trained = with_dtype_policy(network, "float32")
    trained.compile("adam", "categorical_crossentropy")
    trained.optimizer.build(trained.trainable_variables)
    artifacts.save_model(trained, tmp_path / "m.keras")
    saved = keras.models.load_model(tmp_path / "m.keras")
    assert not saved.compiled
    assert not with_dtype_policy(trained, "float32").compiled


# What Keras 3.8, the oldest in which saved models open, accepts beside name, trainable and dtype.
OF_WEIGHTS = "initializer", "regularizer", "constraint"
OF_KERNELS = {f"{weights}_{what}" for weights in ("kernel", "bias") for what in OF_WEIGHTS}
ACCEPTED = {
    "InputLayer": {"batch_shape", "sparse", "ragged", "optional"},
    "Conv2D": OF_KERNELS | {
        "filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "groups",
        "activation", "use_bias", "activity_regularizer",
    },
    "MaxPooling2D": {"pool_size", "padding", "strides", "data_format"},
    "BatchNormalization": {
        "axis", "momentum", "epsilon", "center", "scale", "moving_mean_initializer",
        "moving_variance_initializer", "synchronized",
        *(f"{weights}_{what}" for weights in ("beta", "gamma") for what in OF_WEIGHTS),
    },
    "ReLU": {"max_value", "negative_slope", "threshold"},
    "GlobalMaxPooling2D": {"data_format", "keepdims"},
    "Dense": OF_KERNELS | {"units", "activation", "use_bias"},
    "GlorotUniform": {"seed"},
    "Zeros": set(),
    "Ones": set(),
    "DTypePolicy": set(),
}  # fmt: skip


def objects_in(config):
    if isinstance(config, dict):
        if {"module", "class_name"} <= config.keys():
            yield config["class_name"], set(config["config"]) - {"name", "trainable", "dtype"}
        config = list(config.values())
    for part in config if isinstance(config, list) else []:
        yield from objects_in(part)


@pytest.mark.parametrize("path", [None, *SHIPPED_DIR.glob("*.keras")])
def test_saved_models_hold_only_settings_that_keras_3_8_accepts(network, tmp_path, path):
    if path is None:
        path = tmp_path / "m.keras"
        artifacts.save_model(network, path)
    with zipfile.ZipFile(path) as archive:
        layers = json.loads(archive.read("config.json"))["config"]["layers"]
    found = list(objects_in(layers))
    assert {"Conv2D", "BatchNormalization", "Dense"} <= {name for name, _ in found}
    for name, settings in found:
        assert settings <= ACCEPTED[name], name


def save_both(network, folder, accuracy=0.97):
    history = [{**row, "val_accuracy": accuracy} for row in HISTORY]
    artifacts.save_phase(network, folder, "clean_phase", "clean_phase.keras", history)
    artifacts.save_phase(network, folder, "hybrid", "hybrid.keras", history)


def test_a_phase_is_saved_with_history_metrics_and_card(network, tmp_path):
    name = "mnist_model_hybrid_20epochs.keras"
    artifacts.save_phase(network, tmp_path, "hybrid", name, HISTORY, parameters=GIVEN)
    metrics.update_metrics(tmp_path, "hybrid", test_accuracy=0.5)
    metrics.record_environment(tmp_path, "digits")
    content = json.loads((tmp_path / "metrics.json").read_text())
    assert set(content) == {"environment", "phases"}
    assert content["environment"]["dataset"] == "digits"
    phase = content["phases"]["hybrid"]
    assert phase["training_seconds"] == 5.5 and phase["training_cpu_seconds"] == 9.0
    assert phase["validation_accuracy"] == 0.97 and phase["best_validation_accuracy"] == 0.98
    assert phase["test_accuracy"] == 0.5 and phase["parameters"] == GIVEN
    assert read_json(tmp_path / "hybrid_history.json") == HISTORY
    content["environment"] |= {"dataset_title": "<b>d</b>", "versions": ["`<i>", "a|b"]}
    write_json(tmp_path / "metrics.json", content)
    card = metrics.write_model_card(tmp_path, name).read_text(encoding="utf-8")
    assert "<b>" not in card and "`<i>" not in card and r"a\|b" in card
    assert "Keras 3.8 and newer" in card and "| test_accuracy | `0.5` |" in card
    assert "with 0% of the images augmented in the first and 80% in the second." in card
    artifacts.save_phase(network, tmp_path, "hybrid", name, HISTORY)  # the old figures go
    assert "test_accuracy" not in metrics.read_metrics(tmp_path)["phases"]["hybrid"]


def test_metrics_of_earlier_versions_are_read(tmp_path):
    write_json(tmp_path / "metrics.json", {"hybrid": {"model": "h"}, "date": "d", "code": {"c": 1}})
    assert metrics.read_metrics(tmp_path) == {
        "environment": {"date": "d"}, "phases": {"hybrid": {"model": "h"}}, "code": {"c": 1},
    }  # fmt: skip


def test_reading_makes_no_folder(tmp_path):
    missing = tmp_path / "mistyped"
    assert metrics.read_metrics(missing) == {"environment": {}, "phases": {}}
    with pytest.raises(FileNotFoundError, match="run 02_clean_phase.ipynb first"):
        artifacts.load_clean_phase(missing)
    with pytest.raises(FileNotFoundError, match="mistyped does not exist.*OUTPUT_DIR"):
        model_choice.find_models("mine", "mnist", missing)
    metrics.update_metrics(tmp_path, "hybrid", test_accuracy=0.5)  # of a model elsewhere
    assert not list(tmp_path.iterdir())
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="set OUTPUT_DIR"):
        output_dir(tmp_path / "file")


def test_a_hybrid_of_an_earlier_clean_phase_is_not_evaluated(network, tmp_path):
    save_both(network, tmp_path)
    assert model_choice.find_models(folder=tmp_path)["hybrid"].name == "hybrid.keras"
    artifacts.save_phase(network, tmp_path, "clean_phase", "clean_phase.keras", HISTORY)
    assert list(model_choice.find_models(folder=tmp_path)) == ["clean phase"]
    metrics.record_environment(tmp_path, "digits")
    with pytest.raises(FileNotFoundError, match="were trained on scikit-learn digits"):
        model_choice.find_models(folder=tmp_path)


def test_models_are_chosen_by_name_folder_and_file(network, tmp_path):
    save_both(network, tmp_path)
    folder = model_choice.find_models(str(tmp_path))
    assert folder == model_choice.find_models("mine", folder=tmp_path)
    assert list(folder) == ["clean phase", "hybrid"]
    assert model_choice.find_models(str(folder["hybrid"])) == {"hybrid": folder["hybrid"]}
    other = tmp_path / "other.keras"
    artifacts.save_model(network, other)
    assert model_choice.find_models(str(other)) == {"other": other}
    folder["hybrid"].unlink()  # of the two, the one that is not asked for
    clean = folder["clean phase"]
    assert model_choice.find_models(str(clean)) == {"clean phase": clean}
    with pytest.raises(FileNotFoundError, match=r"hybrid.keras is not in .* names it"):
        model_choice.find_models(str(tmp_path))
    shipped = model_choice.find_models("shipped", folder=tmp_path)
    assert {path.parent for path in shipped.values()} == {SHIPPED_DIR}


def test_only_the_default_folder_falls_back_to_the_shipped_models(tmp_path, capsys, monkeypatch):
    with pytest.raises(FileNotFoundError, match="no trained model"):
        model_choice.find_models(folder=tmp_path)
    # What a killed training was writing is no model.
    (tmp_path / ".best_clean_phase.checkpoint.keras").touch()
    (tmp_path / ".mnist_model_hybrid_8epochs.123.keras").touch()
    monkeypatch.setattr(model_choice, "TRAINED_DIR", tmp_path)
    monkeypatch.setattr(model_choice, "RUNS_DIR", tmp_path / "runs")
    run = tmp_path / "runs" / "mine"
    run.mkdir(parents=True)
    (run / "metrics.json").touch(), (run / "clean_phase.keras").touch()
    found = model_choice.find_models("mine", "mnist", tmp_path)
    assert {path.parent for path in found.values()} == {SHIPPED_DIR}
    said = capsys.readouterr().out
    assert "those that come with the project" in said and 'MODEL = "runs/mine"' in said
    with pytest.raises(FileNotFoundError, match="no trained model"):
        model_choice.find_models("mine", "digits", tmp_path)
    assert TRAINED_DIR.name == "trained_model"


@pytest.mark.parametrize(
    "accuracy, says",
    [(0.11, "WARNING: .*11.0% .*guessing gives 10%.*choose \"shipped\""),
     (0.85, "Note: .*85.0% .*choose \"shipped\""), (0.9, None)],
)  # fmt: skip
def test_a_poor_model_is_said_to_be_one(network, tmp_path, capsys, accuracy, says):
    save_both(network, tmp_path, accuracy)
    model_choice.find_models(folder=tmp_path)
    said = capsys.readouterr().out
    if says:
        assert re.search(says, said)
    else:
        assert "WARNING" not in said and "Note" not in said
    assert model_choice.recorded_phase(tmp_path / "hybrid.keras")["validation_accuracy"] == accuracy
    assert model_choice.quality_warning(None) == ""
