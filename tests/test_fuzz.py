"""Foreign input that nobody expects: a right answer or the documented error."""

import copy
import time
import warnings
from pkgutil import resolve_name

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from mnist_helpers.validation import check_array
from tests.fuzzing import CALLS, CASES
from tests.limits import Peak
from tests.stress import often, record_specimens

pytestmark = pytest.mark.promise(6)
QUIET = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]


def same(a, b):
    if isinstance(a, np.ndarray):
        content = (lambda x: repr(x.tolist())) if a.dtype.kind == "O" else np.ndarray.tobytes
        return type(a) is type(b) and a.dtype == b.dtype and content(a) == content(b)
    if isinstance(a, list | tuple | dict):
        if isinstance(a, dict):
            a, b = list(a.items()), list(b.items())
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b or a != a


@pytest.mark.parametrize("name", CASES)
def test_a_right_answer_or_the_documented_error(name, record_property):
    case, call = CASES[name], CALLS.get(name) or resolve_name(f"mnist_helpers.{name}")
    tried, accepted, slowest = 0, 0, 0.0

    @settings(
        max_examples=often(max(case.many // 30, 3), case.many),
        deadline=None,
        database=None,
        derandomize=not often(0, 1),
        suppress_health_check=QUIET,
        phases=[Phase.generate],  # most values are drawn by a seed, which cannot be shrunk
    )
    @given(case.arguments)
    def examine(arguments):
        nonlocal tried, accepted, slowest
        tried += 1
        before = copy.deepcopy(arguments)
        begin = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # NumPy's, of numbers gone wrong
                warnings.simplefilter("ignore", UserWarning)  # Pillow's, of odd comments
                result = call(*arguments)
        except case.errors as error:
            assert len(str(error)) > 10, f"an error without a sentence: {error!r}"
        else:
            accepted += 1
            case.holds(result, *before)
        slowest = max(slowest, time.perf_counter() - begin)
        assert same(arguments, before), "an argument was changed"

    with Peak() as peak:
        examine()
    record_specimens(record_property, "arrays", tried, slowest, peak.megabytes)
    print(f"{name}: {accepted} of {tried} accepted")
    if name not in ("data.mnist.verify", "data.datasets.load_dataset"):  # which nothing here passes
        assert accepted or tried < 100, "no argument was ever accepted"


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_masked_arrays_are_rejected_and_matrices_become_arrays():
    """A mask would be lost without a word; a matrix indexes differently and broke memory."""
    with pytest.raises(ValueError, match="not a masked one"):
        check_array("labels", np.ma.masked_array([1, 2], [False, True]), "integers")
    assert type(check_array("labels", np.matrix([[1, 2]]), "integers")) is np.ndarray
