"""Measures the shipped reader: `python benchmarks/reader_report.py`.

`--amounts FOLDER` adds pictures of amounts of your own: `labels.csv` there names in its columns
`file`, `digits` and `boxes` each picture, its digits and their boxes (`x,y,width,height`, pixels).
"""

import argparse
import csv
import io
from contextlib import suppress
from pathlib import Path

import numpy as np
from common import RESULTS, from_template, save_result, seconds_per_call
from drawn_digits import cropped, in_form_of_mnist
from drawn_strangers import HELD_OUT
from drawn_strips import draw_strip
from PIL import Image
from sklearn.datasets import load_digits

from mnist_helpers import data
from mnist_helpers.evaluation import robustness
from mnist_helpers.evaluation.calibration import expected_calibration_error
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.evaluation.reader import Reader
from mnist_helpers.files import read_json
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.training.pipeline import to_input

PICTURES, CORRUPTED, STRIPS, STRANGERS, PHOTOS = 1_000, 4_000, 500, 500, 200
REPEATS = 5  # of the photos


def surrounded(image: np.ndarray) -> dict[str, np.ndarray]:
    """Returns a digit six times as large, in frames, underlined, and without a margin."""
    large = np.kron(255 - image, np.ones((6, 6), np.uint8))
    found = {name: large.copy() for name in ("in a frame", "in an inset frame", "underlined")}
    for name, inset in (("in a frame", 0), ("in an inset frame", 10)):
        picture, far = found[name], len(large) - inset
        for start in (inset, far - 4):
            picture[start : start + 4, inset:far] = picture[inset:far, start : start + 4] = 0
    found["underlined"][-14:-10] = 0
    found["without a margin"] = 255 - cropped(255 - large, 55)
    return found


def share_right(predict: Predictor, pictures, labels) -> float:
    """Returns the share of pictures whose digit is read correctly; an unreadable one is wrong."""
    right = 0
    for picture, label in zip(pictures, labels, strict=True):
        with suppress(PictureError):
            right += int(predict(to_mnist(picture)[None]).argmax() == label)
    return right / len(labels)


def classifier_rows(images, labels) -> dict[str, dict[str, float]]:
    """Measures both classifiers on digits."""
    chosen = robustness.choose_images(len(images), CORRUPTED)
    around = [surrounded(image) for image in images[:PICTURES]]
    foreign = load_digits()
    rows = {}
    paths = {"reader": SHIPPED_DIR / "reader.keras", "hybrid": find_model(SHIPPED_DIR)}
    for name, path in paths.items():
        predict = Predictor(load_model(path))
        clean = predict(to_input(images))
        rows[name] = row = {
            "MNIST's test images": float((clean.argmax(axis=1) == labels).mean()),
            "expected calibration error": float(expected_calibration_error(labels, clean)),
            "scikit-learn's 8 × 8 digits": share_right(predict, foreign.images, foreign.target),
        }
        damaged = (robustness.corrupt(images[chosen], kind, 3) for kind in robustness.CORRUPTIONS)
        levels = [(predict(some).argmax(axis=1) == labels[chosen]).mean() for some in damaged]
        row["corruptions at severity 3, mean"] = float(np.mean(levels))
        row["corruptions at severity 3, worst"] = float(np.min(levels))
        for kind in around[0]:
            pictures = [each[kind] for each in around]
            row[f"six times as large, {kind}"] = share_right(predict, pictures, labels[:PICTURES])
        print(name, row, flush=True)
    return rows


def stranger_rows(reader: Reader, digits) -> dict[str, dict[str, float]]:
    """Returns what share of strangers of kinds not trained on passes for a digit.

    That is where 95% of `digits` do, and at the threshold in use.
    """
    thresholds = {
        "at 95%": np.quantile(reader(to_input(digits))[1], 0.05),
        "in use": reader.least_score,
    }
    rng, found = np.random.default_rng(7), {}
    for kind, make in HELD_OUT.items():
        images = in_form_of_mnist([lambda make=make: make(rng)] * STRANGERS)
        _, scores = reader(to_input(images[images.max(axis=(1, 2)) > 0]))
        found[kind] = {name: float((scores >= least).mean()) for name, least in thresholds.items()}
    return found


def share_of_numbers(reader: Reader, images, labels) -> float:
    """Returns the share of drawn numbers that are read without a mistake."""
    rng, right = np.random.default_rng(11), 0
    for _ in range(STRIPS):
        picture, truth = draw_strip(images, labels, rng)
        with suppress(PictureError):
            right += reader.number(picture).text == "".join(str(label) for label, _ in truth)
    return right / STRIPS


def photos_per_second(reader: Reader, images) -> float:
    """Returns how many JPEG photos of one megapixel, in colour, are read in a second."""
    rng, photos = np.random.default_rng(3), []
    for image in images[:PHOTOS]:
        paper = rng.normal((200, 190, 180), 6, (1000, 1000, 3))
        paper[160:832, 160:832] -= np.kron(image, np.ones((24, 24)))[..., None] * 0.6
        file = io.BytesIO()
        Image.fromarray(np.clip(paper, 0, 255).astype(np.uint8)).save(file, "JPEG", quality=85)
        photos.append(("photo", file.getvalue()))
    return len(photos) / seconds_per_call(lambda: list(reader.read_all(photos)), REPEATS, warm=1)


def amounts(reader: Reader, folder: Path, first: int) -> dict[str, float]:
    """Reads pictures of amounts: whole, and each digit cut out by its box with 2 pixels around."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[first:]
    whole, pictures, labels = 0, [], []
    for row in rows:
        with Image.open(folder / row["file"]) as picture:
            pixels = np.asarray(picture)
        with suppress(PictureError):
            whole += reader.number(pixels).text == row["digits"]
        for digit, box in zip(row["digits"], row["boxes"].split(), strict=True):
            x, y, width, height = map(int, box.split(","))
            left, top = max(x - 2, 0), max(y - 2, 0)
            pictures.append(pixels[top : y + height + 2, left : x + width + 2])
            labels.append(int(digit))
    digits = share_right(reader.predictor, pictures, labels)
    return {"amounts": len(rows), "whole": whole / len(rows), "n": len(labels), "digits": digits}


def main() -> None:
    """Measures everything, and writes the result file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--amounts", type=Path, metavar="FOLDER", help="Pictures of your own.")
    parser.add_argument("--first", type=int, default=0, help="The first of them that counts.")
    parser.add_argument("--photos", action="store_true", help="Measure the speed alone again.")
    options = parser.parse_args()
    (images, labels), reader = data.load_test("mnist"), Reader()
    if options.photos:
        found = read_json(RESULTS / "reader.json")
        del found["machine"]
        save_result("reader", found | {"photos_per_second": photos_per_second(reader, images)})
        return
    found = {
        "classifiers": classifier_rows(images, labels),
        "strangers": stranger_rows(reader, images),
        "numbers": share_of_numbers(reader, images, labels),
        "photos_per_second": photos_per_second(reader, images),
    }
    if options.amounts:
        found["amounts"] = amounts(reader, options.amounts, options.first)
    save_result("reader", found)


def page() -> str:
    """Returns the content of reader.md."""
    values = {
        "corrupted": CORRUPTED, "pictures": PICTURES, "strangers_n": STRANGERS, "strips": STRIPS,
        "amounts": None,
    }  # fmt: skip
    return from_template("reader.md", **values | read_json(RESULTS / "reader.json")) + "\n"


PAGE = RESULTS.parent / "reader.md"

if __name__ == "__main__":
    main()
