"""A picture may come from anybody: it is read, or an error in a sentence, within limits."""

import itertools
import os
import time

import pytest

from mnist_helpers.preprocessing import PictureError, to_mnist
from tests import hostile_pictures
from tests.limits import conclude, measure, needs_linux
from tests.stress import VARIABLE, often

pytestmark = [pytest.mark.promise(6), pytest.mark.slow, needs_linux]
KIND = "mutated pictures"


def test_damaged_pictures_are_read_or_an_error(record_property):
    first = int(os.environ.get(VARIABLE, 1))
    specimens = [(f"seed {seed}", seed) for seed in range(first, first + often(400, 30_500))]
    measured = measure(hostile_pictures.read, specimens, children=often(1, 2))
    conclude(record_property, KIND, measured)
    outcomes = [found.outcome for found in measured]
    assert min(outcomes.count(what) for what in ("read", "refused")) > len(outcomes) // 10


def test_pictures_that_are_small_on_disk_and_huge_in_memory(record_property):
    specimens = list(itertools.islice(hostile_pictures.huge(), often(7, None)))
    assert max(len(content) for _, content in specimens) < 120_000_000
    measured = measure(hostile_pictures.read, specimens)
    conclude(record_property, KIND, measured)


def test_what_takes_minutes_to_decode_is_refused_at_once():
    for content, said in hostile_pictures.slow():
        start = time.monotonic()
        with pytest.raises(PictureError, match=said):
            to_mnist(content)
        assert time.monotonic() - start < 5  # minutes, if it is decoded


def test_the_undamaged_pictures_are_read_whatever_their_format():
    for number, (kind, *_) in enumerate(hostile_pictures.KINDS):
        foreign = kind in ("DDS", "BLP", "TGA", "PCX")  # no formats of photos or scans
        assert hostile_pictures.read(hostile_pictures.whole(number)) == (
            "refused" if foreign else "read"
        ), kind
