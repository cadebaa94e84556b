import numpy as np
import pytest

from mnist_helpers import evaluation


def answers(both_right=0, only_a=0, only_b=0, both_wrong=0):
    """Two models' right and wrong answers with so many questions of each kind."""
    counts = [both_right, only_a, only_b, both_wrong]
    a = np.repeat([True, True, False, False], counts)
    b = np.repeat([True, False, True, False], counts)
    return a, b


def test_wilson_interval_equals_the_formula_worked_by_hand():
    # 8 of 10, z = 1.959964, z² = 3.841459: centre (8 + z²/2) / (10 + z²) = 9.920729 / 13.841459
    # = 0.716740, half width z · sqrt(8 · 2 / 10 + z²/4) / 13.841459 = 0.226578.
    low, high = evaluation.accuracy_interval(8, 10)
    assert low == pytest.approx(0.490162, abs=1e-6)
    assert high == pytest.approx(0.943318, abs=1e-6)


def test_mcnemar_counts_pairs_and_tosses_a_fair_coin_for_those_that_differ():
    # 10 tosses, at most 1 or at least 9 heads: 2 · (1 + 10) / 2¹⁰ = 22 / 1024.
    result = evaluation.mcnemar(*answers(both_right=30, only_a=1, only_b=9, both_wrong=4))
    assert result == (30, 1, 9, 4, pytest.approx(22 / 1024))


@pytest.mark.parametrize("pairs", [{"both_right": 5}, {"both_right": 5, "only_a": 3, "only_b": 3}])
def test_mcnemar_sees_no_difference_between_equals(pairs):
    assert evaluation.mcnemar(*answers(**pairs)).p_value == 1


def test_bootstrap_interval_is_close_to_the_normal_one_worked_by_hand():
    # The gains +1, -1, 0 have mean 0.1 and variance 0.2 - 0.1²; over 1,000 images the standard
    # error is √(0.19 / 1000), times 1.96 it is 0.0270. A 90% interval would be 0.004 off.
    pair = answers(both_right=750, only_a=50, only_b=150, both_wrong=50)
    ours = evaluation.paired_bootstrap_interval(*pair, seed=1)
    assert ours == pytest.approx((0.1 - 0.0270, 0.1 + 0.0270), abs=0.0025)


def test_bootstrap_interval_counts_the_gain_from_the_first_model_to_the_second():
    a, b = answers(both_right=100, only_b=60)
    pair = answers(both_right=800, only_a=90, only_b=110)
    low, high = evaluation.paired_bootstrap_interval(a, b)
    assert 0 < low < high < 1
    assert evaluation.paired_bootstrap_interval(b, a) == pytest.approx((-high, -low), abs=0.02)
    assert evaluation.paired_bootstrap_interval(a, a) == (0, 0)
    seeds = 3, 3, 4
    first, again, other = (evaluation.paired_bootstrap_interval(*pair, seed=n) for n in seeds)
    assert first == again != other


def test_report_tells_wrong_answers_from_missed_digits():
    labels = np.array([3, 3, 3, 3, 8, 8])
    predicted = np.array([3, 3, 3, 8, 8, 5])
    report = evaluation.per_class_metrics(labels, predicted)
    assert list(report["precision"][[3, 8, 5]]) == pytest.approx([1, 1 / 2, 0])
    assert list(report["recall"][[3, 8]]) == pytest.approx([3 / 4, 1 / 2])
    assert report["images"].tolist() == [0, 0, 0, 4, 0, 0, 0, 0, 2, 0]
    # Nothing can be said of digits that are not there or never predicted.
    assert np.isnan(report["recall"][5]) and np.isnan(report["precision"][0])


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [(np.arange(1000) % 10, False), (np.ones(1000, int), True), (np.arange(1000) // 100, True)],
)
def test_a_model_that_guesses_or_always_says_the_same_is_at_chance_level(predicted, expected):
    assert evaluation.is_chance_level(np.arange(1000) % 10, predicted) is expected


def probabilities(predicted, confidence):
    rows = np.repeat((1 - np.array(confidence)[:, None]) / 9, 10, axis=1)
    rows[np.arange(len(predicted)), predicted] = confidence
    return rows


def test_misclassified_are_the_wrong_answers_the_most_confident_first():
    rows = probabilities([1, 7, 4, 9, 0], [0.9, 0.5, 0.99, 0.8, 0.5])
    found = evaluation.misclassified(np.array([1, 2, 4, 4, 6], np.uint8), rows.astype(np.float32))
    assert found.tolist() == [3, 1, 4]
    rows = probabilities(np.full(200, 7), np.tile([0.5, 0.6], 100))  # equals keep their order
    expected = [*range(1, 200, 2), *range(0, 200, 2)]
    assert evaluation.misclassified(np.full(200, 2), rows).tolist() == expected


def test_captions_give_each_chosen_image_its_label_and_the_likeliest_digits():
    rows = probabilities([1, 7, 4], [0.91, 0.55, 0.73])
    captions = evaluation.top_k_captions(np.array([1, 2, 9]), rows, [2, 0], "abcdefghij")
    assert captions == ["label j\ne: 73, a: 3, b: 3", "label b\nb: 91, a: 1, c: 1"]
    assert evaluation.top_k_captions(np.array([1, 2, 9]), rows, [], "abcdefghij") == []


FINE = probabilities([1, 2], [0.9, 0.9])


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda: evaluation.accuracy_interval(11, 10), "correct must .* at most 10; got 11"),
        (lambda: evaluation.accuracy_interval(-1, 10), "got -1"),
        (lambda: evaluation.accuracy_interval(0, 0), "n must be an integer of at least 1"),
        (lambda: evaluation.accuracy_interval(1, 2, 95), "between 0 and 1, as 0.95 does; got 95"),
        (lambda: evaluation.mcnemar([True], [True, False]), r"shape \(1,\) and bool"),
        (lambda: evaluation.mcnemar([], []), r"shape \(0,\)"),
        (lambda: evaluation.paired_bootstrap_interval([True], [1.0]), "boolean arrays"),
        (lambda: evaluation.paired_bootstrap_interval([True], [True]), "two or more observations"),
        (lambda: evaluation.per_class_metrics([1, 2], [1]), "1 predictions for 2 labels"),
        (lambda: evaluation.per_class_metrics([], []), r"shape \(0,\)"),
        (lambda: evaluation.per_class_metrics([1, 10], [1, 2]), "labels .* range from 1 to 10"),
        (lambda: evaluation.per_class_metrics([1.0], [1]), "labels .* not float64"),
        (lambda: evaluation.per_class_metrics([[1]], [1]), r"not \(1, 1\)"),
        (lambda: evaluation.per_class_metrics([1, 2], [-1, 2]), "predicted .* range from -1 to 2"),
        (lambda: evaluation.misclassified([1, 2, 3], FINE), r"\(3, 10\), not \(2, 10\)"),
        (lambda: evaluation.misclassified([1, 2], FINE * 255), "sum to 1"),
        (lambda: evaluation.misclassified([1, 2], FINE * np.nan), "finite"),
        (lambda: evaluation.misclassified([1, 2], np.eye(10)[:2] * 2 - 0.1), "not negative"),
    ],
)
def test_bad_input_is_refused_in_a_sentence(call, says):
    with pytest.raises(ValueError, match=says):
        call()
