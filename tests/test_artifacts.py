import json

import keras
import numpy as np
import pytest

from mnist_helpers.files import atomic_write, write_json
from mnist_helpers.paths import output_dir
from mnist_helpers.training import artifacts
from mnist_helpers.training.model import build_cnn
from mnist_helpers.training.precision import with_dtype_policy

HISTORY = [
    {"epoch": 1, "val_accuracy": 0.98, "seconds": 2.0, "cpu_seconds": 3.0},
    {"epoch": 2, "val_accuracy": 0.97, "seconds": 3.5, "cpu_seconds": 6.0},
]


@pytest.fixture(scope="module")
def network():
    keras.config.set_dtype_policy("mixed_bfloat16")
    network = build_cnn(seed=1, widths=(2, 2, 4))
    keras.config.set_dtype_policy("float32")
    return network


def test_a_saved_model_comes_back_with_its_weights_in_float32(network, tmp_path):
    artifacts.save_model(network, tmp_path / "m.keras")
    loaded = artifacts.load_model(tmp_path / "m.keras")
    for a, b in zip(network.get_weights(), loaded.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert {layer.compute_dtype for layer in loaded.layers} == {"float32"}
    assert [path.name for path in tmp_path.iterdir()] == ["m.keras"]


def test_a_saved_model_leaves_the_optimiser_behind(network, tmp_path):
    trained = with_dtype_policy(network, "float32")
    trained.compile("adam", "categorical_crossentropy")
    trained.fit(np.zeros((2, 28, 28, 1)), np.eye(10)[:2], verbose=0)
    artifacts.save_model(trained, tmp_path / "m.keras")
    saved = keras.models.load_model(tmp_path / "m.keras")
    assert not saved.compiled
    assert not with_dtype_policy(trained, "float32").compiled


def test_training_precision_comes_back_when_asked_for(network, tmp_path):
    artifacts.save_model(network, tmp_path / "m.keras")
    loaded = artifacts.load_model(tmp_path / "m.keras", "mixed_bfloat16")
    assert loaded.get_layer("block1_conv1").compute_dtype == "bfloat16"
    assert loaded.get_layer("digit").compute_dtype == "float32"


def test_a_network_of_another_shape_is_refused(tmp_path):
    other = keras.Sequential([keras.Input((5,)), keras.layers.Dense(2)])
    other.save(tmp_path / "m.keras")
    with pytest.raises(ValueError, match="takes .*5.* a digit classifier here takes"):
        artifacts.load_model(tmp_path / "m.keras")


def test_a_missing_model_names_the_notebook(tmp_path):
    with pytest.raises(FileNotFoundError, match="run 02_clean_phase.ipynb first"):
        artifacts.find_phases(tmp_path, "digits")


def test_a_clean_phase_alone_is_evaluated_alone(tmp_path, capsys):
    (tmp_path / "clean_phase.keras").touch()
    assert list(artifacts.find_phases(tmp_path, "mnist")) == ["clean phase"]
    assert "alone, as 03_augmented_phase.ipynb has not run" in capsys.readouterr().out


def test_models_of_another_data_set_are_refused(tmp_path):
    (tmp_path / "clean_phase.keras").touch()
    write_json(tmp_path / "metrics.json", {"dataset": "digits"})
    with pytest.raises(FileNotFoundError, match="were trained on scikit-learn digits"):
        artifacts.find_phases(tmp_path, "mnist")


def test_a_phase_is_saved_with_history_metrics_and_card(network, tmp_path):
    name = "mnist_model_hybrid_20epochs.keras"
    artifacts.save_phase(network, tmp_path, "hybrid", name, HISTORY, parameters={"SEED": 3})
    artifacts.update_metrics(tmp_path, "hybrid", test_accuracy=0.5)
    metrics = json.loads((tmp_path / "metrics.json").read_text())["hybrid"]
    assert metrics["training_seconds"] == 5.5
    assert metrics["training_cpu_seconds"] == 9.0
    assert metrics["validation_accuracy"] == 0.97
    assert metrics["best_validation_accuracy"] == 0.98
    assert metrics["test_accuracy"] == 0.5 and metrics["parameters"] == {"SEED": 3}
    assert artifacts.load_history(tmp_path, "hybrid") == HISTORY


def test_an_interrupted_write_leaves_the_previous_file(tmp_path):
    path = tmp_path / "metrics.json"
    write_json(path, {"good": 1})
    with pytest.raises(RuntimeError), atomic_write(path) as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert json.loads(path.read_text()) == {"good": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["metrics.json"]


def test_an_output_folder_that_cannot_be_written_says_what_to_do(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="set OUTPUT_DIR"):
        output_dir(tmp_path / "file")


def test_training_again_drops_the_test_figures_of_the_old_model(network, tmp_path):
    for accuracy in (0.5, None):
        artifacts.save_phase(network, tmp_path, "clean_phase", "clean_phase.keras", HISTORY)
        if accuracy:
            artifacts.update_metrics(tmp_path, "clean_phase", test_accuracy=accuracy)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert "test_accuracy" not in metrics["clean_phase"]


def test_a_hybrid_of_an_earlier_clean_phase_is_not_evaluated(network, tmp_path, capsys):
    artifacts.save_phase(network, tmp_path, "clean_phase", "clean_phase.keras", HISTORY)
    artifacts.save_phase(network, tmp_path, "hybrid", "hybrid.keras", HISTORY)
    assert artifacts.find_phases(tmp_path, "mnist")["hybrid"].name == "hybrid.keras"
    assert "your own training" in capsys.readouterr().out
    artifacts.save_phase(network, tmp_path, "clean_phase", "clean_phase.keras", HISTORY)
    assert list(artifacts.find_phases(tmp_path, "mnist")) == ["clean phase"]


def test_a_fresh_clone_evaluates_the_shipped_models(tmp_path, capsys):
    phases = artifacts.find_phases(tmp_path, "mnist")
    assert {path.parent.name for path in phases.values()} == {"shipped"}
    assert "comes with the project" in capsys.readouterr().out
