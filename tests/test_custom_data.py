"""Data sets of the user's own, made up here: ten classes of squares at ten places."""

import gzip
import os
import re

import numpy as np
import pytest

from mnist_helpers import data
from mnist_helpers.data import digit_files, formats
from mnist_helpers.data.formats import IDX_FILES, DataError
from mnist_helpers.paths import is_path
from tests import hostile_tables
from tests.limits import conclude, measure, needs_linux
from tests.stress import VARIABLE, often
from tests.test_mnist import as_arrays, assert_same

NAMES = ["top", "coat", "dress", "shirt", "shoe", "bag", "boot", "hat", "scarf", "sock"]


def made_up(train=200, test=50):
    rng = np.random.default_rng(0)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        labels = np.arange(count) % 10
        images = rng.integers(0, 60, (count, 28, 28))
        for image, label in zip(images, labels, strict=True):
            image[2 + 2 * label :][:6, 8:20] = 220
        arrays |= {f"x_{part}": images.astype(np.uint8), f"y_{part}": labels.astype(np.uint8)}
    return arrays


@pytest.fixture
def npz(tmp_path):
    np.savez(tmp_path / "clothes.npz", **made_up(), class_names=NAMES)
    return str(tmp_path / "clothes.npz")


def write_fashion(folder, arrays):
    """Writes a data set as Fashion-MNIST has it: four files, IDX, gzipped."""
    for name, array in arrays.items():
        (folder / f"{IDX_FILES[name]}.gz").write_bytes(gzip.compress(hostile_tables.idx(array)))
    (folder / "class_names.txt").write_text("\n".join(NAMES) + "\n")


@pytest.fixture
def folder(tmp_path):
    write_fashion(tmp_path, made_up())
    return str(tmp_path)


def test_a_file_and_a_folder_give_the_same_arrays_and_names(npz, folder):
    for dataset in (npz, folder, f"file://{npz}", f"file://{folder}"):
        assert_same(data.load_dataset(dataset), made_up())
        assert data.class_names(dataset) == NAMES
    assert data.dataset_fingerprint(npz) == data.dataset_fingerprint(folder)
    assert data.dataset_title(npz) == "clothes (not MNIST)"


def test_without_names_classes_are_numbers(tmp_path):
    np.savez(tmp_path / "plain.npz", **made_up())
    assert data.class_names(str(tmp_path / "plain.npz")) == [str(n) for n in range(10)]
    assert data.class_names("mnist") == [str(n) for n in range(10)]


def test_a_relative_path_counts_from_the_project(npz, tmp_path, monkeypatch):
    monkeypatch.setattr(formats.paths, "PROJECT", tmp_path)
    assert data.class_names("./clothes.npz") == NAMES


@pytest.mark.parametrize(("change", "message"), [
    (lambda a: a.pop("y_test"), "has no array y_test"),
    (lambda a: a.update(x_train=a["x_train"][:, :27]), "train: Images must be uint8 of shape"),
    (lambda a: a.update(y_train=a["y_train"] + 1), "train: Labels must be 0 to 9"),
    (lambda a: a.update(y_test=a["y_test"][1:]), "test: 50 images but 49 labels"),
    (lambda a: a.update(y_train=a["y_train"] // 2), "a class with 0 training images"),
])  # fmt: skip
def test_arrays_of_another_form_are_refused(tmp_path, change, message):
    arrays = made_up()
    change(arrays)
    np.savez(tmp_path / "odd.npz", **arrays)
    with pytest.raises(DataError, match=message):
        data.load_dataset(str(tmp_path / "odd.npz"))


@pytest.mark.parametrize(("names", "message"), [
    (NAMES[:9], "10 strings, not <U5 of shape \\(9,\\)"),
    ([*NAMES[:9], "top"], "10 different names"),
    ([*NAMES[:9], " "], "10 different names"),
    ([*NAMES[:9], "x" * 101], "a class name of more than 100 letters"),
    (np.array([{}] * 10, object), "Object arrays cannot be loaded"),
    (np.arange(10), "10 strings, not int64"),
    (np.array(NAMES, "S"), "10 strings, not .S5"),
    ([*NAMES[:9], "\ud800"], "holds no valid text"),
    (np.array([0x110000] * 10, "<u4").view("<U1"), "holds no valid text"),
])  # fmt: skip
def test_other_than_ten_different_names_is_an_error(tmp_path, names, message):
    np.savez(tmp_path / "odd.npz", **made_up(), class_names=names)
    with pytest.raises(DataError, match=message):
        data.class_names(str(tmp_path / "odd.npz"))


def test_names_with_markup_come_out_as_text(tmp_path):
    names = ["<script>x</script>", "[a](http://b)", "*c*", "d\ne", r"$\frac{$", *NAMES[5:]]
    path = tmp_path / "<b>bold.npz"
    np.savez(path, **made_up(), class_names=names)
    found = data.class_names(str(path))
    assert found[:5] == ["‹script›x‹/script›", "(a)(http://b)", "∗c∗", "d e", r"\$\frac{\$"]
    assert data.dataset_title(str(path)) == "‹b›bold (not MNIST)"


def test_names_that_are_no_utf_8_are_an_error(folder, tmp_path):
    (tmp_path / "class_names.txt").write_bytes("\n".join([*NAMES[:9], "écharpe"]).encode("latin-1"))
    with pytest.raises(DataError, match=r"class_names\.txt must be a text file in UTF-8"):
        data.class_names(folder)
    (tmp_path / "class_names.txt").write_bytes(b"\n" * 10_001)  # 64 MB of them took gigabytes
    with pytest.raises(DataError, match=r"class_names\.txt is larger than 10,000 bytes"):
        data.class_names(folder)


def test_the_command_says_what_is_wrong_before_anything_starts(tmp_path, said):
    run = "run", "--output", tmp_path, "--name", "x", "--dataset"
    assert "there is nothing there" in said(1, *run, tmp_path / "none.npz")
    assert "DATASET must be the path of a data set" in said(2, *run, "minst")
    assert not (tmp_path / "x").exists()


# Kaggle's CSV and MATLAB's .mat


@pytest.mark.parametrize("kind", ["train.csv", "mnist_train.csv", "packed.mat", "floats.mat"])
def test_tables_of_digits_are_data_sets(kind, tmp_path):
    arrays = made_up(train=140)
    x, y, x_test, y_test = (arrays[name] for name in IDX_FILES)
    if kind.endswith("csv"):
        (tmp_path / kind).write_bytes(hostile_tables.csv(x, y))
        labels = y_test if kind.startswith("mnist") else None  # Kaggle's test.csv has none
        (tmp_path / kind.replace("train", "test")).write_bytes(hostile_tables.csv(x_test, labels))
    else:
        options = {"do_compression": True} if kind == "packed.mat" else {"dtype": "f8"}
        (tmp_path / kind).write_bytes(hostile_tables.mat(x, y, **options))
    dataset = str(tmp_path if kind.endswith("csv") else tmp_path / kind)
    if kind != "mnist_train.csv":
        test = np.arange(140) // 10 % 7 == 6  # every seventh image of each class
        arrays = as_arrays(((x[~test], y[~test]), (x[test], y[test])))
    assert_same(data.load_dataset(dataset), arrays)
    assert data.class_names(dataset) == [str(n) for n in range(10)]


def test_the_ending_of_a_table_may_be_packed_and_in_capitals(tmp_path):
    arrays = made_up(train=140)
    path = tmp_path / "TRAIN.CSV.GZ"
    x, y, *_ = (arrays[name] for name in IDX_FILES)
    path.write_bytes(gzip.compress(hostile_tables.csv(x, y)))
    assert len(data.load_dataset(str(path))[0][0]) == 120
    assert data.class_names(str(path))[9] == "9" and is_path("d.Csv.gz") and not is_path("csv")


def test_a_picture_whose_grey_is_a_comma_is_no_table():
    bitmap = b"BM" + bytes(52) + bytes([44]) * 30_000
    assert digit_files.parse(bitmap, "dark.bmp", "dark.bmp") is None


@needs_linux
@pytest.mark.promise(4)
def test_a_hostile_file_of_digits_is_an_error_in_a_sentence(record_property):
    named = hostile_tables.HOSTILE | often({}, hostile_tables.HUGE)
    first = int(os.environ.get(VARIABLE, 1))
    specimens = [(name, name) for name in named]
    specimens += [(f"seed {seed}", seed) for seed in range(first, first + often(200, 5000))]
    measured = measure(hostile_tables.read, specimens)
    conclude(record_property, "files of digits", measured)
    for found in measured[: len(named)]:
        assert re.search(named[found.specimen][2], found.outcome), found
    assert "read" in [found.outcome for found in measured]
