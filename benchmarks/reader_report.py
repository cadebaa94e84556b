"""Measures the shipped reader: `python benchmarks/reader_report.py`.

`--amounts FOLDER` adds pictures of amounts of your own: `labels.csv` there names in its columns
`file`, `digits` and `boxes` each picture, its digits and their boxes (`x,y,width,height`, pixels).
"""

import argparse
import csv
import io
import time
from pathlib import Path

import numpy as np
from common import save_result
from drawn_digits import in_form_of_mnist
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
from mnist_helpers.paths import PROJECT, SHIPPED_DIR
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.training.pipeline import to_input

RESULT = PROJECT / "benchmarks" / "results" / "reader.json"
PICTURES, CORRUPTED, STRIPS, STRANGERS, PHOTOS = 1_000, 4_000, 500, 500, 200
REPEATS = 5  # of the photos
MODELS = {"reader": "the reader", "hybrid": "hybrid"}


def surrounded(image: np.ndarray) -> dict[str, np.ndarray]:
    """Returns a digit six times as large, in frames, underlined, and without a margin."""
    large = np.kron(255 - image, np.ones((6, 6), np.uint8))
    found = {name: large.copy() for name in ("in a frame", "in an inset frame", "underlined")}
    for name, inset in (("in a frame", 0), ("in an inset frame", 10)):
        picture, far = found[name], len(large) - inset
        for start in (inset, far - 4):
            picture[start : start + 4, inset:far] = picture[inset:far, start : start + 4] = 0
    found["underlined"][-14:-10] = 0
    rows, columns = (np.flatnonzero((large < 200).any(axis=axis)) for axis in (1, 0))
    found["without a margin"] = large[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return found


def share_right(predict: Predictor, pictures, labels) -> float:
    """Returns the share of pictures whose digit is read correctly; an unreadable one is wrong."""
    right = 0
    for picture, label in zip(pictures, labels, strict=True):
        try:
            right += int(predict(to_mnist(picture)[None]).argmax() == label)
        except PictureError:
            continue
    return right / len(labels)


def classifier_rows(images, labels) -> dict[str, dict[str, float]]:
    """Measures both classifiers on digits."""
    chosen = robustness.choose_images(len(images), CORRUPTED)
    around = [surrounded(image) for image in images[:PICTURES]]
    foreign = load_digits()
    rows = {}
    for name, path in {
        "reader": SHIPPED_DIR / "reader.keras",
        "hybrid": find_model(SHIPPED_DIR),
    }.items():
        predict = Predictor(load_model(path))
        clean = predict(to_input(images))
        rows[name] = row = {
            "MNIST's test images": float((clean.argmax(axis=1) == labels).mean()),
            "expected calibration error": float(expected_calibration_error(labels, clean)),
            "scikit-learn's 8 × 8 digits": share_right(predict, foreign.images, foreign.target),
        }
        levels = [
            (
                predict(robustness.corrupt(images[chosen], kind, 3)).argmax(1) == labels[chosen]
            ).mean()
            for kind in robustness.CORRUPTIONS
        ]
        row["corruptions at severity 3, mean"] = float(np.mean(levels))
        row["corruptions at severity 3, worst"] = float(np.min(levels))
        for kind in around[0]:
            pictures = [each[kind] for each in around]
            row[f"six times as large, {kind}"] = share_right(predict, pictures, labels[:PICTURES])
        print(name, row, flush=True)
    return rows


def stranger_rows(reader: Reader, digits) -> dict[str, float]:
    """Returns what share of strangers of kinds not trained on passes where 95% of digits do."""
    _, scores = reader(to_input(digits))
    threshold, rng, found = np.quantile(scores, 0.05), np.random.default_rng(7), {}
    for kind, make in HELD_OUT.items():
        images = in_form_of_mnist([lambda make=make: make(rng)] * STRANGERS)
        _, scores = reader(to_input(images[images.max(axis=(1, 2)) > 0]))
        found[kind] = float((scores >= threshold).mean())
    return found


def share_of_numbers(reader: Reader, images, labels) -> float:
    """Returns the share of drawn numbers that are read without a mistake."""
    rng, right = np.random.default_rng(11), 0
    for _ in range(STRIPS):
        picture, truth = draw_strip(images, labels, rng)
        try:
            right += reader.number(picture).text == "".join(str(label) for label, _ in truth)
        except PictureError:
            continue
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
    list(reader.read_all(photos[:5]))
    start = time.perf_counter()
    for _ in range(REPEATS):
        list(reader.read_all(photos))
    return REPEATS * len(photos) / (time.perf_counter() - start)


def amounts(reader: Reader, folder: Path, first: int) -> dict[str, float]:
    """Reads pictures of amounts: whole, and each digit cut out by its box with 2 pixels around."""
    with (folder / "labels.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[first:]
    whole, pictures, labels = 0, [], []
    for row in rows:
        with Image.open(folder / row["file"]) as picture:
            pixels = np.asarray(picture)
        try:
            whole += reader.number(pixels).text == row["digits"]
        except PictureError:
            continue
        finally:
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
        kept = {name: value for name, value in read_json(RESULT).items() if name != "machine"}
        save_result("reader", kept | {"photos_per_second": photos_per_second(reader, images)})
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


TEXT = """# The reader

Written by `python benchmarks/update_readme.py`. `predict`, the pad, the upload and the page use two
networks that `python benchmarks/reader.py` makes. The classifier is wider than the notebooks'
network (410,000 weights against 192,000). It is trained by the same strategy, and then further on
MNIST, on drawn and coarse digits, and on digits cut out of drawn numbers, with what their
neighbours, ruled lines and patterned paper leave of themselves. The other network tells digits from
letters, signs, scribbles, parts of digits and merged digits. Notebooks 02 to 05 keep to the two
models of the strategy itself.

{classifiers}

One reader and one hybrid. MNIST: 10,000 test images; corruptions: {corrupted:,} of them; six times
as large: the first {pictures:,}; scikit-learn's: 1,797.

{strangers}

{strangers_n} drawn images of each kind, at the score that 95% of MNIST's test images reach; all
kinds together {mean:.1%}. In use the threshold is lower: 99% of the validation images reach it.

Of {strips} drawn numbers of one to seven of MNIST's test digits, on patterned paper, often
touching, with signs and letters between them, {numbers:.0%} are read without a mistake.{amounts}
`predict` reads {speed:.0f} photos of one megapixel a second ({processor}).
"""


def page() -> str:
    """Returns the content of reader.md."""
    found = read_json(RESULT)
    rows, strangers, own = found["classifiers"], found["strangers"], found.get("amounts")
    lines = [f"| | {' | '.join(MODELS.values())} |", "|---|---|---|"]
    for kind in rows["reader"]:
        shown = "{:.4f}" if "error" in kind else "{:.2%}"
        cells = " | ".join(shown.format(rows[name][kind]) for name in MODELS)
        lines.append(f"| {kind} | {cells} |")
    passed = ["| no digits, of kinds that are in no training | taken for a digit |", "|---|---|"]
    passed += [f"| {kind} | {share:.1%} |" for kind, share in strangers.items()]
    return TEXT.format(
        classifiers="\n".join(lines),
        strangers="\n".join(passed),
        mean=np.mean(list(strangers.values())),
        amounts=_amounts_in_words(own) if own else "",
        corrupted=CORRUPTED,
        pictures=PICTURES,
        strangers_n=STRANGERS,
        strips=STRIPS,
        numbers=found["numbers"],
        speed=found["photos_per_second"],
        processor=found["machine"]["processor"],
    )


def _amounts_in_words(found: dict) -> str:
    return (
        f" Of {found['amounts']} photographed amounts of cheques, which are no part of the "
        f"project, {found['whole']:.0%}, and of their {found['n']} digits, cut out by hand, "
        f"{found['digits']:.1%}."
    )


PAGE = PROJECT / "benchmarks" / "reader.md"

if __name__ == "__main__":
    main()
