import dataclasses
import json
import re
from unittest.mock import Mock

import keras
import matplotlib
import numpy as np
import pytest

from mnist_helpers import evaluation
from mnist_helpers.data.datasets import load_test, load_training
from mnist_helpers.evaluation import model_evaluation, robustness
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.runner.page import model_report as report
from mnist_helpers.training import artifacts, metrics

matplotlib.use("Agg")


@pytest.fixture(scope="module")
def trained():
    """A linear classifier that has learnt a little of scikit-learn's digits."""
    (x, y), _ = load_training("digits", 1000)
    inputs = keras.Input((28, 28, 1))
    outputs = keras.layers.Dense(10, activation="softmax")(keras.layers.Flatten()(inputs))
    model = keras.Model(inputs, outputs)
    model.compile("adam", "sparse_categorical_crossentropy", jit_compile=False)
    model.fit(x[..., None] / np.float32(255), y, epochs=8, verbose=0)
    return model


@pytest.fixture(scope="module")
def measured(trained, tmp_path_factory):
    artifacts.save_model(trained, file := tmp_path_factory.mktemp("model") / "tiny.keras")
    return evaluation.evaluate_model(file, "digits", robustness_images=100)


@pytest.mark.slow
def test_digits_that_a_model_was_trained_on_are_not_external(trained, tmp_path, dataset):
    history = [{"val_accuracy": 0.9, "seconds": 1.0, "cpu_seconds": 1.0}]
    artifacts.save_phase(trained, tmp_path, "hybrid", "tiny.keras", history)
    metrics.record_environment(tmp_path, "digits")
    report = evaluation.evaluate_model(tmp_path / "tiny.keras", dataset, robustness_images=10)
    assert report.summary["digits8x8_accuracy"] is None


@pytest.mark.slow
def test_the_summary_is_what_the_parts_say(trained, measured):
    images, labels = load_test("digits")
    probabilities = Predictor(trained)(images / np.float32(255))
    summary = measured.summary
    assert summary["test_accuracy"] == np.mean(probabilities.argmax(axis=1) == labels) > 0.7
    low, high = summary["test_accuracy_interval"]
    assert low < summary["test_accuracy"] < high
    scores = evaluation.calibration_scores(labels, probabilities)
    assert {name: summary[name] for name in scores._fields} == scores._asdict()
    assert 0 < summary["photometric_robustness"] < summary["test_accuracy"]
    assert summary["digits8x8_accuracy"] is None
    assert json.loads(json.dumps(summary)) == summary


@pytest.mark.slow
def test_calibration_is_taken_back_and_doubts_are_named(measured):
    one, two = (dataclasses.replace(measured, temperature=t) for t in (1.0, 2.0))
    reports = {"one": one, "two": two}
    _, scores = evaluation.compare_calibration(reports)
    assert scores["ece"]["one, before"] == pytest.approx(scores["ece"]["one, calibrated"])
    assert scores["nll"]["two, before"] != pytest.approx(scores["nll"]["two, calibrated"], rel=0.1)
    unknown = dataclasses.replace(measured, temperature=None, parameters=None)
    assert list(evaluation.compare_calibration({"it": unknown})[1].index) == ["it, as saved"]
    assert {kind.seen for kind in unknown.corruptions.values()} == {None}
    chances = 0.95 * np.eye(10)[[3, 1, 2]] + 0.005
    chances[1] = (np.eye(10)[1] + np.eye(10)[7]) / 2
    few = dataclasses.replace(measured, labels=np.array([8, 1, 2]), probabilities=chances)
    doubtful = evaluation.doubtful_images({"one": few, "two": few})
    assert doubtful["doubt"].to_dict() == {0: "disputed label", 1: "ambiguous"}
    assert doubtful["caption"][0].startswith("label 8\n3: 9")


def test_the_map_of_a_poor_model_takes_few_of_its_mistakes(monkeypatch):
    """t-SNE of 9,000 images takes minutes."""
    labels = np.arange(10_000) % 10
    poor = np.eye(10)[np.where(labels > 1, (labels + 1) % 10, labels)]  # a fifth is correct
    sizes = []
    monkeypatch.setattr(model_evaluation, "feature_extractor", lambda _: lambda images: images)
    monkeypatch.setattr(model_evaluation, "tsne_embedding", lambda v, seed: sizes.append(len(v)))
    evaluation.embed_features(
        Mock(labels=labels, images=np.zeros((10_000, 2)), probabilities=poor), 0
    )
    assert 450 < sizes[0] < 550  # about 200 correct ones of 1,000, and no more than 300 others


@pytest.mark.slow
def test_the_temperature_comes_from_the_validation_images(trained, measured):
    _, (x, y) = load_training("digits")
    fitted = evaluation.fit_temperature(y, Predictor(trained)(x / np.float32(255)))
    assert measured.summary["temperature"] == pytest.approx(fitted)


@pytest.mark.slow
def test_the_text_names_every_figure(measured):
    text = report.report_text("tiny.keras", measured)
    summary = measured.summary
    for piece in (
        "tiny.keras: 360 test images of scikit-learn digits (not MNIST)",
        f"{summary['test_accuracy']:.2%}",
        f"{summary['ece']:.4f}",
        f"temperature {summary['temperature']:.2f}",
        *robustness.CORRUPTIONS,
    ):
        assert piece in text, piece
    assert max(map(len, text.splitlines())) < 130


@pytest.mark.slow
def test_the_command_prints_the_text_and_writes_a_page_that_stands_alone(trained, tmp_path, said):
    artifacts.save_model(trained, tmp_path / "<tiny>.keras")
    arguments = "evaluate", "--model", tmp_path / "<tiny>.keras", "--dataset", "digits"
    html = "--robustness-images", 100, "--html", tmp_path / "page.html"
    assert "accuracy at severities" in said(0, *arguments, *html)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    # A picture's letters may hold "http" by chance, but no colon.
    assert page.startswith("<!DOCTYPE html>") and "://" not in page
    assert page.count('<img alt="') == page.count("data:image/png;base64,") == 5
    assert "&lt;tiny&gt;.keras" in page and "<tiny>" not in page
    assert "at least 100" in said(2, *arguments, "--robustness-images", 5)


@pytest.mark.slow
def test_a_class_that_is_not_there_has_a_dash_and_chance_level_is_said(measured):
    few = measured.labels < 5
    part = dataclasses.replace(
        measured, labels=measured.labels[few], probabilities=np.eye(10)[measured.labels[few]]
    )
    text = report.report_text("tiny.keras", part)
    assert re.search(r"^7 +0 +– +–$", text, re.M) and "guessing" not in text
    always = dataclasses.replace(part, probabilities=np.eye(10)[np.ones(few.sum(), int)])
    assert "no better than guessing" in report.report_text("tiny.keras", always)
