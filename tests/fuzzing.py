"""What functions of foreign input are tried with, and what a right answer looks like."""

import io
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from hypothesis import strategies as st

from mnist_helpers.data.formats import IDX_FILES, DataError
from mnist_helpers.evaluation.robustness import CORRUPTIONS
from mnist_helpers.parameters import check_parameters
from mnist_helpers.training.augmentation import Augmentation
from tests import hostile_tables

DTYPES = [
    "?", "u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f2", "f4", "f8", ">f4", ">i2", "c8", "S3",
    "U3", "O", "M8[s]",
]  # fmt: skip
SPECIAL = [math.nan, math.inf, -math.inf, -1, 0, 1, 16, 255, 256, 65_535, 1e30, -1e300]
NUMBERS = st.one_of(st.integers(), st.floats(), st.booleans(), st.sampled_from(SPECIAL))
SMALL = st.integers(-2, 40)
FEW = st.integers(0, 12)
ANY_SHAPE = st.lists(FEW, max_size=5).map(tuple)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


class Case(NamedTuple):
    """How a function is tried.

    `arguments` draws its positional arguments; `holds` asserts that a result is right for them;
    `errors` are what its docstring promises for bad input; `many` is how often `make stress` tries.
    """

    arguments: st.SearchStrategy
    holds: Callable
    errors: tuple = (ValueError,)
    many: int = 1000


# Arrays are drawn by a seed: quicker by far than value for value.


def laid_out(array, layout):
    """Returns an equal array that lies in memory as nobody expects it."""
    if layout == "fortran":
        return np.asfortranarray(array)
    if layout == "reversed" and array.ndim:
        return array[::-1].copy()[::-1]
    if layout == "strided" and array.ndim:
        wide = np.repeat(array, 2, axis=-1)
        return wide[..., ::2]
    if layout == "matrix" and array.ndim == 2:
        return np.ascontiguousarray(array).view(np.matrix)
    if layout == "masked":
        return np.ma.masked_array(array, np.zeros(array.shape, bool))
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
    return array


LAYOUTS = st.sampled_from(
    ["plain", "plain", "fortran", "reversed", "strided", "read-only", "matrix", "masked"]
)


@st.composite
def arrays(draw, shapes=ANY_SHAPE, dtypes=DTYPES):
    shape = draw(shapes)
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = np.dtype(draw(st.sampled_from(dtypes)))
    if dtype.kind in "fc":
        values = random.random(shape) * draw(st.sampled_from([1, 1, 16, 255, 1e6]))
    else:
        low, high = draw(st.sampled_from([(0, 2), (0, 10), (0, 256), (-5, 5), (0, 70_000)]))
        values = random.integers(low, high, shape)
    values = np.asarray(values)
    if values.size and draw(st.integers(0, 3)) == 0:
        values = values.astype(float)
        values.flat[random.integers(values.size)] = draw(st.sampled_from(SPECIAL))
    with np.errstate(all="ignore"):
        if dtype.kind == "M" and not np.isfinite(values).all():
            values = np.zeros(shape)
        array = values.astype(np.int64).astype(dtype) if dtype.kind == "M" else values.astype(dtype)
    return laid_out(array, draw(LAYOUTS))


@st.composite
def images(draw):
    """Mostly images in MNIST's raw form."""
    if draw(st.integers(0, 4)) == 0:
        return draw(arrays(st.sampled_from([(3, 28, 28), (0, 28, 28), (28, 28), (2, 28, 28, 1)])))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    shape = draw(FEW), 28, 28
    kind = draw(st.sampled_from(["noise", "blank", "full", "equal"]))
    drawn = {
        "noise": random.integers(0, 256, shape),
        "blank": np.zeros(shape),
        "full": np.full(shape, 255),
        "equal": np.broadcast_to(random.integers(0, 256, shape[1:]), shape),
    }[kind]
    return laid_out(drawn.astype(np.uint8), draw(LAYOUTS))


@st.composite
def labels(draw):
    """Mostly digits."""
    if draw(st.integers(0, 4)) == 0:
        return draw(arrays(st.sampled_from([(0,), (3,), (12,), (3, 1), ()])))
    random = np.random.default_rng(draw(st.integers(0, 2**32)))
    dtype = draw(st.sampled_from(["u1", "i4", "i8", ">i2"]))
    return laid_out(random.integers(0, 10, draw(FEW)).astype(dtype), draw(LAYOUTS))


@st.composite
def sheets(draw):
    """A dark bar on light paper."""
    height, width = draw(st.integers(30, 90)), draw(st.integers(30, 90))
    sheet = np.full((height, width), draw(st.integers(150, 255)))
    sheet[height // 4 : 3 * height // 4, width // 2 - 3 : width // 2 + 3] = draw(st.integers(0, 60))
    return laid_out(sheet.astype(draw(st.sampled_from(["u1", "i8", "f4", "f8"]))), draw(LAYOUTS))


def in_unit_range(result, shape=None, dtype=np.float32):
    result = np.asarray(result)
    assert result.dtype == dtype and np.isfinite(result).all()
    assert shape is None or result.shape == shape
    assert not result.size or 0 <= result.min() <= result.max() <= 1


def is_mnist_form(result, image):
    in_unit_range(result, (28, 28, 1))
    # The digit fills the box of 20 x 20 one way, is centred, and is light on dark.
    rows, columns = (np.flatnonzero(result[..., 0].max(axis=axis)) for axis in (1, 0))
    assert 0 < max(np.ptp(rows), np.ptp(columns)) < 20
    assert result.max() > 0.5 and np.median(result) < 0.5


def all_steps(steps, image):
    assert len(steps) >= 2
    for step in steps.values():
        in_unit_range(step)
    is_mnist_form(list(steps.values())[-1][..., None], image)


@st.composite
def idx_bytes(draw):
    """An IDX file, mostly; of others a byte is altered or some are missing."""
    content = hostile_tables.idx(draw(arrays(dtypes=["u1"])))
    place = draw(st.integers(0, len(content) - 1))
    damaged = content[:place] + draw(st.binary(max_size=1)) + content[place + 1 :]
    return draw(st.sampled_from([content, content, damaged, content[:place]]))


@st.composite
def npz_bytes(draw):
    """An .npz file, mostly whole; of others some bytes are altered."""
    file = io.BytesIO()
    np.savez(file, x_train=draw(arrays(dtypes=["u1", "f4", "i8"])), y_train=np.arange(3))
    content = bytearray(file.getvalue())
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 6]))):
        content[draw(st.integers(0, len(content) - 1))] = draw(st.integers(0, 255))
    return bytes(content)


def augment(degrees, shift, zoom, images, seed):
    return Augmentation(degrees, shift, zoom)(images, seed)


SIZED = st.sampled_from([(3, 28, 28, 1), (2, 5, 9, 1), (0, 28, 28, 1), (1, 1, 1, 1), (2, 28, 28)])
SEEDS = st.sampled_from([[0, 1], (2**31 - 1, -5), np.array([3, 4]), [1, 2, 3], [], 7, [0.5, 1]])
DEGREES, SHIFTS, ZOOMS = ([0, 15.0, 180], [0, 0.1, 0.9], [0, 0.15, 0.9])
ANY_NPZ = npz_bytes() | st.binary(max_size=100)
ANY_PICTURE = st.one_of(sheets(), arrays(), st.binary())
ANY_FLAT = arrays(st.tuples(SMALL.map(abs), SMALL.map(abs)))
PARAMETERS = ["SEED", "EPOCHS", "BATCH_SIZE", "LEARNING_RATE", "DATASET", "NONE"]
LITERALS = ["-" * 9000 + "1", "[" * 500, "9" * 5000]


def equal(result, given, *_):
    np.testing.assert_array_equal(result, given)


def never(*_):
    raise AssertionError("nothing passes that is drawn here")


CASES = {
    "preprocessing.mnist_format.to_mnist": Case(
        st.tuples(st.one_of(ANY_PICTURE, ANY_FLAT)), is_mnist_form, many=4000),
    "preprocessing.mnist_format.steps_to_mnist": Case(st.tuples(ANY_PICTURE), all_steps),
    "preprocessing.image_io.read_grey": Case(
        st.tuples(ANY_PICTURE), lambda grey, image: in_unit_range(grey, dtype=np.float64)),
    "training.augmentation.Augmentation": Case(
        st.tuples(NUMBERS, NUMBERS, NUMBERS), lambda made, *_: hash(made)),
    "training.augmentation.Augmentation.__call__": Case(
        st.tuples(*map(st.sampled_from, (DEGREES, SHIFTS, ZOOMS)),
                  arrays(SIZED, ["u1", "f4", "f8", "f2", "i4", "u2"]), SEEDS),
        lambda result, *given: in_unit_range(result, given[3].shape)),
    "validation.check_images": Case(st.tuples(images()), equal),
    "validation.check_labels": Case(st.tuples(labels(), st.none() | SMALL), equal),
    "evaluation.robustness.corrupt": Case(
        st.tuples(images(), st.sampled_from(["", *CORRUPTIONS]), NUMBERS | st.integers(0, 6),
                  SMALL),
        lambda result, images, *_: in_unit_range(result, images.shape)),
    "data.datasets.load_dataset": Case(
        st.tuples(st.text() | st.text().map(lambda text: f"file://{text}/x")), never,
        (ValueError, FileNotFoundError), many=100),
    "files.read_zip_members": Case(
        st.tuples(ANY_NPZ, st.sampled_from([0, 100, 10**6])),
        lambda members, _, most: np.testing.assert_(sum(map(len, members.values())) <= most),
        many=3000),
    "data.formats.parse_idx": Case(
        st.tuples(idx_bytes(), st.just("here")),
        lambda array, *_: np.testing.assert_equal(array.dtype, np.uint8), (DataError,), many=3000),
    "data.formats.parse_npz": Case(
        st.tuples(ANY_NPZ, st.just("here")),
        lambda found, *_: np.testing.assert_(set(found) <= set(IDX_FILES)), (DataError,),
        many=2000),
    "data.mnist.verify": Case(
        st.tuples(st.dictionaries(st.sampled_from(list(IDX_FILES)), arrays()), st.just("here")),
        never, (DataError,)),
    "parameters.check_parameters": Case(
        st.tuples(st.sampled_from(PARAMETERS), ANYTHING | NUMBERS),
        lambda _, name, value: np.testing.assert_(type(value) in (int, float, str))),
    "runner.notebook.given_parameters.parse_value": Case(
        st.tuples(st.text() | st.sampled_from(LITERALS),
                  st.sampled_from(["bool", "int", "float", "str"])),
        lambda result, text, type_name: np.testing.assert_(type_name != "str" or result == text),
        ()),
}  # fmt: skip
CALLS = {
    "parameters.check_parameters": lambda name, value: check_parameters(**{name: value}),
    "training.augmentation.Augmentation.__call__": augment,
}
