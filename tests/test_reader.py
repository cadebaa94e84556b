"""What people bring: single digits, numbers, and what is none."""

import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from mnist_helpers import predict, predict_number
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.preprocessing import numbers
from mnist_helpers.preprocessing.image_io import PictureError
from mnist_helpers.preprocessing.mnist_format import to_mnist
from mnist_helpers.preprocessing.numbers import read_number
from mnist_helpers.preprocessing.writing import find_writing
from mnist_helpers.widgets.pad import EXAMPLES, draw_strokes

pytestmark = pytest.mark.usefixtures("readers_are_loaded_once")


def written(text, height=48, gap=-10, paper=235, ink=40):
    """Writes digits by the strokes of the pad's examples, and `.,-` by hand."""
    lines = []
    for line in text.split("\n"):
        width = sum(12 if sign in ".,-" else height + gap for sign in line) + 40
        picture = Image.new("L", (width, 2 * height), paper)
        pen, x = ImageDraw.Draw(picture), 20
        for sign in line:
            if sign in ".,-":
                y = {"-": height}.get(sign, 1.35 * height)
                pen.line([(x, y), (x + 10 * (sign == "-"), y + 8 * (sign == ","))], ink, 4)
                pen.ellipse([x - 2, y - 2, x + 2, y + 2], fill=ink)
                x += 12
                continue
            digit = Image.fromarray(draw_strokes(EXAMPLES[int(sign)]))
            mask = digit.resize((height * 140 // 90,) * 2).point(lambda value: 255 - value)
            picture.paste(ink, (x - height // 4, height // 4), mask)
            x += height + gap
        lines.append(np.asarray(picture))
    widest = max(line.shape[1] for line in lines)
    return np.concatenate(
        [np.pad(a, [(0, 0), (0, widest - a.shape[1])], constant_values=paper) for a in lines]
    )


def lettered(text, size=90):
    """Prints a text in large letters on white."""
    picture = Image.new("L", (160, 160), 255)
    ImageDraw.Draw(picture).text((80, 80), text, 0, ImageFont.load_default(size), anchor="mm")
    return np.asarray(picture)


def ruled(picture):
    """Draws paper's pattern and a line under the writing."""
    rows, columns = np.indices(picture.shape)
    pattern = 20 * (np.sin((rows + 0.3 * columns) * 1.2) > 0.6)
    pattern[int(0.8 * len(picture))] = 120
    return np.clip(picture.astype(int) - pattern, 0, 255).astype(np.uint8)


def in_cells(digits, thickness=3):
    """Sets digits into the cells of a form."""
    cells = []
    for digit in digits:
        cell, ink = np.full((130, 96), 255, np.uint8), written(digit, paper=255)
        cell[[*range(thickness), *range(-thickness, 0)]] = cell[:, :thickness] = 90
        top, left = (np.array(cell.shape) - ink.shape) // 2
        cell[top : top + len(ink), left : left + ink.shape[1]] = ink
        cells.append(cell)
    wall = np.full((130, thickness), 90, np.uint8)
    return np.pad(np.hstack([*cells, wall]), 6, constant_values=255)


PICTURES = {
    "in a form's cells": (in_cells("4152"), "4152"),
    "a number": (written("2026"), "2026"),
    "touching digits": (written("1800", gap=-20), "1800"),
    "a number with points and a dash": (written("12.345,67-"), "1234567"),
    "light on dark": (255 - written("907"), "907"),
    "patterned and ruled paper": (ruled(written("4152")), "4152"),
    "large": (written("38", height=300, gap=-60), "38"),
    "one digit": (written("7"), "7"),
    "two lines": (written("1204\n567"), "1204\n567"),
}


@pytest.mark.parametrize("kind", PICTURES)
def test_all_digits_of_a_picture_are_read(kind, reader):
    picture, expected = PICTURES[kind]
    found = reader.number(picture)
    assert found.text == expected
    digits = expected.replace("\n", "")
    assert len(found.boxes) == len(found.confidences) == len(digits)
    assert found.confidence == pytest.approx(np.prod(found.confidences))
    lefts = [left for left, *_ in found.boxes[: len(expected.split("\n")[0])]]
    assert lefts == sorted(lefts) and all(0 <= value <= 1 for box in found.boxes for value in box)


def test_a_page_with_far_too_many_places_for_digits_is_refused(reader, monkeypatch):
    monkeypatch.setattr(numbers, "MOST_CANDIDATES", 5)
    with pytest.raises(PictureError, match="holds 5 places for digits and more"):
        reader.number(written("1204"))


def test_a_stroke_much_lower_than_the_digits_is_no_1():
    paper = np.full((80, 360), 255, np.uint8)
    for left, top in ((40, 10), (130, 10), (220, 36), (310, 12)):
        paper[top:60, left : left + 5] = 0

    def all_are_ones(images):
        return np.tile(np.eye(10, dtype=np.float32)[1], (len(images), 1)), np.ones(len(images))

    assert read_number(paper, all_are_ones).text == "111"


def test_a_box_surrounds_its_digit(reader):
    picture = np.full((200, 400), 255, np.uint8)
    five = written("5", paper=255)
    picture[60 : 60 + five.shape[0], 250 : 250 + five.shape[1]] = five
    (left, top, width, height) = reader.number(picture).boxes[0]
    rows, columns = np.nonzero(picture < 128)
    found = np.array([left * 400, top * 200, (left + width) * 400, (top + height) * 200])
    ink = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(found, ink, atol=4)


def test_upright_strokes_are_writing_and_long_level_lines_are_not():
    paper = np.full((60, 200), 0.9)
    paper[8:52, 60:64] = paper[8:52, 120:124] = 0.2
    paper[54, :] = 0.3
    _, mask = find_writing(paper)
    assert mask[30, 61] and mask[30, 121] and not mask[54, 20:180:20].any()


@pytest.mark.parametrize("picture", [np.full((50, 90), 200, np.uint8), lettered("=")])
def test_where_there_is_no_number_none_is_guessed(picture, reader):
    with pytest.raises(PictureError, match="blank|No number"):
        reader.number(picture)


def test_a_picture_of_too_much_is_an_error_and_takes_no_minutes(reader):
    rows, columns = np.indices((800, 800)) % 10
    specks = (rows > 2) & (rows < 8) & (columns > 2) & (columns < 8)
    with pytest.raises(PictureError, match="6,400 separate strokes"):
        reader.number(1.0 - specks)


@pytest.mark.parametrize("text", ["A", "B", "K", "M", "#", "?", "ä", "R"])
def test_letters_and_signs_are_no_digits(text, reader):
    with pytest.raises(PictureError, match="does not look like a digit; if it is one, it is an? "):
        reader.read(lettered(text))


def test_several_digits_are_never_one_digit(reader):
    for picture in (written("20"), written("2026"), written("80", gap=-20)):
        with pytest.raises(PictureError, match="several digits: (20|2026|80), with"):
            reader.read(picture)


@pytest.mark.parametrize("digit", range(10))
def test_plain_digits_are_digits(digit, reader):
    picture = draw_strokes(EXAMPLES[digit])
    found = reader.read(picture)
    assert found.digit == digit and found.digit_score >= reader.least_score
    assert predict(picture) == found


def test_raw_images_with_a_channel_are_pictures_like_any_other(reader):
    image = np.rint(255 * to_mnist(written("7"))).astype(np.uint8)
    found = list(reader.read_all([("raw", image), ("flat", image[..., 0])]))
    assert [prediction.digit for prediction in found] == [7, 7]


def test_the_score_goes_with_any_classifier():
    with pytest.raises(PictureError, match="does not look like a digit"):
        predict(lettered("W"), SHIPPED_DIR)
    assert predict_number(written("41"), SHIPPED_DIR).text == "41"


def test_the_command_reads_numbers_and_draws_boxes(tmp_path, said):
    for name, text in (("a.png", "2026"), ("b.png", "13\n95")):
        Image.fromarray(written(text)).save(tmp_path / name)
    (tmp_path / "c.png").write_bytes(b"nothing")
    given = "predict", tmp_path, "--numbers"
    printed = said(1, *given, "--boxes", tmp_path / "boxes")
    assert "a.png: '2026' (" in printed and "b.png: '13\\n95' (" in printed
    assert "c.png: This cannot be read" in printed
    with Image.open(tmp_path / "boxes/a_boxes.png") as marked:
        colours = {colour for _, colour in marked.getcolors(1 << 24)}
    assert (213, 94, 0) in colours
    (row,) = json.loads(said(0, "predict", tmp_path / "a.png", "--numbers", "--json"))
    assert row["number"] == "2026" and len(row["boxes"]) == 4
    table = said(0, "predict", tmp_path / "a.png", "--numbers", "--csv")
    assert table.startswith("picture,number,confidence")
    assert "is there already" in said(1, *given, "--boxes", tmp_path / "boxes")
    assert "--numbers" in said(2, "predict", tmp_path, "--boxes", "x")
    for folder in ("d", "e"):  # two pictures of one name
        (tmp_path / folder).mkdir()
        shutil.copy(tmp_path / "a.png", tmp_path / folder)
    twins = [tmp_path / "d/a.png", tmp_path / "e/a.png"]
    said(0, "predict", *twins, "--numbers", "--boxes", tmp_path / "twins")
    made = {path.name for path in (tmp_path / "twins").iterdir()}
    assert made == {"a_2_boxes.png", "a_boxes.png"}
    assert "several digits: 2026" in said(1, "predict", tmp_path / "a.png")
