import csv
import http.server
import io
import json
import os
import sys
import threading
import time
from functools import partial

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.ndimage import center_of_mass

from mnist_helpers.evaluation import inference
from mnist_helpers.evaluation import reader as reader_module
from mnist_helpers.preprocessing import image_io
from mnist_helpers.runner.cli import main
from mnist_helpers.runner.cli.pictures import find_pictures
from mnist_helpers.training import artifacts, model_choice
from mnist_helpers.training.model import build_cnn
from tests import hostile_tables

pytestmark = pytest.mark.usefixtures("readers_are_loaded_once")


@pytest.fixture
def pictures(tmp_path):
    """A folder with three pictures of a stroke and two files that are none."""
    folder = tmp_path / "pictures"
    (folder / "deeper").mkdir(parents=True)
    for name in ("a.png", "b.jpg", "deeper/c.PNG"):
        picture = Image.new("L", (60, 60), 255)
        ImageDraw.Draw(picture).line((30, 10, 28, 50), fill=0, width=6)
        picture.save(folder / name)
    (folder / "broken.png").write_bytes(b"no picture")
    Image.new("L", (40, 40), 200).save(folder / "deeper" / "blank.png")
    (folder / "notes.txt").write_text("not looked at")
    return folder


def noise(count):
    return np.random.default_rng(0).random((count, 28, 28), np.float32)


def test_a_predictor_gives_what_the_model_gives_whatever_the_batches(network):
    images = noise(7)
    expected = network.predict(images[..., None], verbose=0)
    for size in (3, 7, 500):
        found = inference.Predictor(network, size)(images)
        np.testing.assert_allclose(found, expected, atol=1e-6)
    assert inference.Predictor(network)(images[:0]).shape == (0, 10)


def test_features_are_what_the_last_layer_decides_by(network):
    images = noise(5)
    features = inference.feature_extractor(network)(images)
    weights, biases = network.layers[-1].get_weights()
    scores = np.exp(features @ weights + biases)
    expected = network.predict(images[..., None], verbose=0)
    np.testing.assert_allclose(scores / scores.sum(axis=1, keepdims=True), expected, atol=1e-6)
    assert inference.feature_extractor(build_cnn(0, (4, 4, 6)))(images).shape == (5, 6)


def test_time_augmentation_has_nine_views_of_which_the_first_is_the_image():
    seen = []

    def read(images):
        seen.append(images.reshape(-1, 28, 28))
        return np.full((len(images), 10), len(seen), np.float32)

    images = np.zeros((2, 28, 28), np.float32)
    images[:, 10:18, 12:15] = 1
    mean = inference.test_time_augmentation(read, images)
    assert mean == pytest.approx(np.full((2, 10), 5.0))  # of 1 to 9
    np.testing.assert_allclose(seen[0], images, atol=1e-6)
    assert len(np.unique(np.stack(seen).reshape(9, -1).round(4), axis=0)) == 9
    np.testing.assert_allclose(seen[5], np.roll(images, 1, axis=2), atol=1e-6)


def test_the_nine_views_are_turned_zoomed_and_shifted():
    spot = np.zeros((1, 28, 28), np.float32)
    spot[0, 12:17, 20:25] = 1  # its middle is 8.5 right of the centre and half a pixel below
    places = []

    def read(images):
        rows, columns = center_of_mass(images.reshape(28, 28))
        places.append((columns - 13.5, rows - 13.5))
        return np.zeros((1, 10), np.float32)

    inference.test_time_augmentation(read, spot)
    angles = np.arctan2(0.5, 8.5) + np.radians([0, -7.5, 7.5])
    turned = np.hypot(0.5, 8.5) * np.array([np.cos(angles), np.sin(angles)]).T
    zoomed = [(1.1 * 8.5, 1.1 * 0.5), (0.9 * 8.5, 0.9 * 0.5)]
    shifted = [(9.5, 0.5), (7.5, 0.5), (8.5, 1.5), (8.5, -0.5)]
    assert places == pytest.approx(np.vstack([turned, zoomed, shifted]), abs=0.05)


def test_folders_and_patterns_are_searched_and_each_picture_comes_once(pictures):
    (pictures / "deeper" / "link").symlink_to(pictures)
    given = [str(pictures), str(pictures / "a.png"), str(pictures / "*.jpg"), f"{pictures}/deep*"]
    found, left_out = find_pictures(given)
    names = [path.removeprefix(str(pictures)).lstrip("/\\").replace("\\", "/") for path in found]
    assert names == ["a.png", "b.jpg", "broken.png", "deeper/blank.png", "deeper/c.PNG"]
    assert left_out == [str(pictures / "deeper" / "link"), str(pictures / "notes.txt")]
    for name in ("nothing*.png", str(pictures / "notes.txt"), "-", "http://host/*.png"):
        assert find_pictures([name]) == ([name], [])


def test_a_bad_picture_costs_nothing_but_itself(network, pictures):
    names = find_pictures([str(pictures)])[0] + ["gone.png"]
    reader = reader_module.Reader(network)
    for size in (1, 2, 100):
        predictions = list(reader.read_all(zip(names, names, strict=True), size))
        assert [prediction.picture for prediction in predictions] == names
        assert [prediction.error is None for prediction in predictions] == [1, 1, 0, 0, 1, 0]
    good, bad = predictions[0], predictions[2:4] + predictions[5:]
    assert 0 <= good.second_confidence <= good.confidence <= 1
    assert good.digit != good.second_choice
    words = ("cannot be read as a picture", "blank", "No such file")
    for prediction, word in zip(bad, words, strict=True):
        assert word in prediction.error and prediction.error.endswith(".")
        assert prediction.digit is None


def test_pictures_are_prepared_together_and_decoded_one_at_a_time(network, monkeypatch):
    threads, decoding, most = set(), [], []

    def decoded(given, longest):
        threads.add(threading.get_ident())
        decoding.append(given)
        time.sleep(0.02)
        most.append(len(decoding))
        decoding.remove(given)
        return np.ones((40, 40, 2))

    monkeypatch.setattr(image_io, "_decoded", decoded)
    monkeypatch.setattr(reader_module, "AT_ONCE", 2)
    names = [str(number) for number in range(20)]
    found = list(reader_module.Reader(network).read_all([(name, b"") for name in names]))
    assert [prediction.picture for prediction in found] == names
    assert len(threads) == 2 and set(most) == {1}


def test_doubted_pictures_are_read_as_numbers_together(network, pictures, monkeypatch):
    threads, reader = set(), reader_module.Reader(network)

    def several(picture):
        threads.add(threading.get_ident())
        time.sleep(0.02)

    monkeypatch.setattr(reader, "several", several)
    monkeypatch.setattr(reader, "least_score", 2.0)  # every picture is doubted
    monkeypatch.setattr(reader_module, "AT_ONCE", 2)
    found = list(reader.read_all([("a", pictures / "a.png")] * 20))
    assert len(threads) == 2
    assert all("does not look like a digit" in prediction.error for prediction in found)


def test_one_call_answers_with_a_named_result(network, model_file, pictures):
    from mnist_helpers import predict

    path = pictures / "a.png"
    (expected,) = reader_module.Reader(network).read_all([("", path)])
    for model in (network, model_file, str(model_file)):
        found = predict(path, model)
        assert found.digit == expected.digit and found.picture == str(path)
        assert found.confidence == pytest.approx(expected.confidence)
    assert predict(np.asarray(Image.open(path)), network).picture == ""
    assert predict(path).digit == 1  # by a model that can read
    with pytest.raises(ValueError, match="blank"):
        predict(pictures / "deeper/blank.png", network)


def test_the_command_reads_all_and_its_status_tells_of_bad_ones(pictures, model_file, capsys):
    arguments = ["predict", str(pictures), "--model", str(model_file)]
    assert main(arguments) == 1
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) == 3 and "%; second choice " in printed.out
    assert "broken.png: This cannot be read" in printed.err
    assert "2 of 5 pictures could not be read." in printed.err
    assert f"1 file was not read: {pictures / 'notes.txt'}\n" in printed.err
    assert main(["predict", str(pictures / "a.png"), "--model", str(model_file)]) == 0
    capsys.readouterr()
    assert main([*arguments, "--json"]) == 1
    as_json = json.loads(capsys.readouterr().out)
    assert main([*arguments, "--csv"]) == 1
    as_csv = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert len(as_json) == len(as_csv) == 5
    for one, other in zip(as_json, as_csv, strict=True):
        assert {name: "" if v is None else str(v) for name, v in one.items()} == other
    assert sum(row["error"] is None for row in as_json) == 3


@pytest.mark.parametrize(("arguments", "says"), [
    (["EMPTY"], "no pictures in"), (["a.png", ""], "name is empty"),
    (["a.png", "--model", "gone.keras"], "no model at gone.keras"),
    (["a.png", "--model", "EMPTY"], "no model in"), (["a.png", "--model", ""], "model is empty"),
])  # fmt: skip
def test_what_cannot_be_done_is_refused_in_a_sentence(arguments, says, tmp_path, said):
    given = [tmp_path if argument == "EMPTY" else argument for argument in arguments]
    assert says in said(2, "predict", *given)


@pytest.fixture
def server(tmp_path, pictures):
    """Serves a folder on loopback; returns its address."""
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=tmp_path)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def test_what_comes_from_elsewhere_and_files_of_digits_are_read(
    server, pictures, model_file, tmp_path, monkeypatch, capsys
):
    for name, content in hostile_tables.whole().items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "blank.csv").write_bytes(hostile_tables.csv(np.zeros((1, 28, 28), np.uint8)))
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    tables = [*hostile_tables.whole(), f"{server}/test.csv?raw=1"]
    singles = {
        "-": None, f"{server}/pictures/a.png": None, f"{server}/none.png": "answered 404",
        f"{server}/pictures": "a web page and not data", "empty": "no pictures in this folder",
    }  # fmt: skip

    def read(*names):
        content = (pictures / "a.png").read_bytes()
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        status = main(["predict", *names, "--json", "--model", str(model_file)])
        return status, {row["picture"]: row for row in json.loads(capsys.readouterr().out)}

    status, rows = read(*tables, "blank.csv", *singles)
    assert status == 1 and len(rows) == 3 * len(tables) + 1 + len(singles)
    assert rows["blank.csv, image 1"]["error"] == "The image is blank."
    for name, said in singles.items():
        error = rows[name]["error"]
        assert error is None if said is None else said in error and error.endswith((".", "?"))
    for number in (1, 2, 3):  # the same digits in each of the files
        answers = {rows[f"{table}, image {number}"]["digit_score"] for table in tables}
        assert max(answers) - min(answers) < 1e-5
    monkeypatch.setattr(image_io, "LARGEST_FILE", 100)
    status, rows = read("-", f"{server}/pictures/a.png")
    assert status == 1 and all("more than 100 bytes" in row["error"] for row in rows.values())


def test_a_run_s_folder_stands_for_its_last_model(network, tmp_path):
    history = [{"epoch": 1, "seconds": 1.0, "cpu_seconds": 1.0, "val_accuracy": 0.9}]
    artifacts.save_phase(network, tmp_path, "clean_phase", "clean_phase.keras", history)
    assert model_choice.find_model(str(tmp_path)) == tmp_path / "clean_phase.keras"
    artifacts.save_phase(network, tmp_path, "hybrid", "hybrid.keras", history)
    assert model_choice.find_model(str(tmp_path)) == tmp_path / "hybrid.keras"
    assert model_choice.find_model().suffix == ".keras"


# Files as attackers name them


ODD_NAMES = ["=1+1.png", "@cmd.png", "a\rb.png", "a\nb.png", 'q"u,o.png', "<b>.png"]
ODD_NAMES.append(os.fsdecode(b"\xff.png"))


@pytest.fixture
def odd_pictures(pictures, monkeypatch):
    """A folder of the same picture under odd names, and of files that are no regular ones."""
    folder = pictures / "odd"
    folder.mkdir()
    for name in ODD_NAMES:
        (folder / name).write_bytes((pictures / "a.png").read_bytes())
    os.mkfifo(folder / "pipe.png")
    (folder / "zero.png").symlink_to("/dev/zero")
    (folder / "loop.png").symlink_to(folder / "loop.png")
    monkeypatch.chdir(folder)
    return sorted(os.listdir(folder))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no files of such names")
@pytest.mark.timeout(60)
def test_odd_files_cost_nothing_but_themselves(odd_pictures, model_file, capsys):
    arguments, printed = [*odd_pictures, "n" * 5000, "--model", str(model_file)], []
    for form in ([], ["--json"], ["--csv"]):
        assert main(["predict", *arguments, *form]) == 1
        printed.append(capsys.readouterr())
        assert "4 of 11 pictures could not be read." in printed[-1].err
    text, as_json, as_csv = (each.out for each in printed)
    assert text.count("second choice") == len(ODD_NAMES)
    assert [os.fsdecode(row["picture"]) for row in json.loads(as_json)][:10] == odd_pictures
    rows = list(csv.DictReader(io.StringIO(as_csv, newline="")))
    names = [row["picture"] for row in rows[:10]]
    assert not any(name.startswith(tuple("=+-@")) for name in names)
    shown = [name.encode("utf-8", "backslashreplace").decode() for name in odd_pictures]
    assert [name.removeprefix("'") for name in names] == shown
    assert sum(row["error"] != "" for row in rows) == 4
