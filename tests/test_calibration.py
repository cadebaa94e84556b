import numpy as np
import pytest

from mnist_helpers import evaluation


def rows(*given):
    """Probabilities from {digit: chance}; what is left is spread over the other digits."""
    result = np.empty((len(given), 10))
    for row, chances in zip(result, given, strict=True):
        row[:] = (1 - sum(chances.values())) / (10 - len(chances))
        for digit, chance in chances.items():
            row[digit] = chance
    return result


# Sure of 0.9, 0.9, 0.7 and 0.3; the first and the third are right.
LABELS = np.array([1, 1, 2, 5])
ANSWERS = rows({1: 0.9}, {0: 0.9, 1: 0.05}, {2: 0.7}, {3: 0.3, 5: 0.2})


def test_ece_equals_the_sum_worked_by_hand_and_lets_errors_cancel_within_a_bin_only():
    # Bins of a tenth: 0.9 and 0.9, half right: |1 - 1.8| = 0.8; 0.7, right: 0.3; 0.3, wrong: 0.3.
    # (0.8 + 0.3 + 0.3) / 4 = 0.35.
    assert evaluation.expected_calibration_error(LABELS, ANSWERS, 10) == pytest.approx(0.35)
    # One bin for all: |2 - 2.8| / 4 = 0.2.
    assert evaluation.expected_calibration_error(LABELS, ANSWERS, 1) == pytest.approx(0.2)


def test_a_confidence_on_the_border_belongs_to_the_lower_bin():
    curve = evaluation.reliability_curve([1, 1], rows({1: 0.5}, {1: 1.0}), 2)
    assert list(curve["images"]) == [1, 1] and list(curve["accuracy"]) == [1, 1]
    assert list(curve["confidence"]) == pytest.approx([0.5, 1.0])
    # Of 1 image, Wilson's interval goes from 1 / (1 + 1.96²) to 1.
    assert list(curve["low"]) == pytest.approx([0.206549] * 2, abs=1e-6)


def test_scores_equal_those_worked_by_hand():
    scores = evaluation.calibration_scores([0, 1], rows({0: 0.5, 1: 0.5}, {1: 0.8, 0: 0.2}))
    assert scores.nll == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)
    # 0.5² + 0.5² = 0.5 and 0.2² + 0.2² = 0.08; the mean is 0.29.
    assert scores.brier == pytest.approx(0.29)


def test_temperature_of_an_overconfident_forecaster_equals_the_one_worked_by_hand():
    # Two digits, always sure of 0.9, right 3 times in 4. The best probability is 0.75:
    # 9^(1/T) = 3, so T = log 9 / log 3 = 2.
    answers = rows(*[{0: 0.9, 1: 0.1}] * 4)
    labels = np.array([0, 0, 0, 1])
    temperature = evaluation.fit_temperature(labels, answers)
    assert temperature == pytest.approx(2, rel=1e-4)
    scaled = evaluation.temperature_scaled(answers, 2)
    assert scaled[0, :2] == pytest.approx([0.75, 0.25], abs=1e-3)


def test_without_a_mistake_the_confidence_still_leaves_room_for_half_of_one():
    labels = np.arange(119) % 10
    answers = np.full((119, 10), 0.01)
    answers[np.arange(119), labels] = 0.91
    scaled = evaluation.temperature_scaled(answers, evaluation.fit_temperature(labels, answers))
    assert (1 - scaled.max(axis=1)).sum() == pytest.approx(0.5, rel=1e-6)
    certain = np.eye(10)[labels]  # already beyond that: neither sharpened nor flattened
    assert evaluation.fit_temperature(labels, certain) == 1


def test_temperature_changes_confidence_and_no_answer():
    rng = np.random.default_rng(0)
    answers = rng.dirichlet(np.ones(10), 50).astype(np.float32)
    answers[0] = np.eye(10)[3]  # with exact zeros
    for temperature in (0.5, 3.0):
        scaled = evaluation.temperature_scaled(answers, temperature)
        assert scaled.argmax(axis=1).tolist() == answers.argmax(axis=1).tolist()
        assert scaled.sum(axis=1) == pytest.approx(np.ones(50))
    assert evaluation.temperature_scaled(answers, 1.0)[1:] == pytest.approx(answers[1:], rel=1e-5)
    assert (evaluation.temperature_scaled(answers, 3).max(1) <= answers.max(1) + 1e-6).all()


def test_declining_gives_the_surest_answers_and_equals_together():
    shares, accuracies = evaluation.accuracy_coverage_curve(LABELS, ANSWERS)
    assert shares == pytest.approx([2 / 4, 3 / 4, 1])  # the two of 0.9 come together
    assert accuracies == pytest.approx([1 / 2, 2 / 3, 2 / 4])


def test_share_answered_at_an_accuracy_is_the_largest():
    labels = np.array([1, 1, 1, 1])
    answers = rows({1: 0.9}, {1: 0.8}, {0: 0.7}, {1: 0.6})
    assert evaluation.coverage_at_accuracy(labels, answers, 1.0) == 2 / 4
    assert evaluation.coverage_at_accuracy(labels, answers, 0.75) == 1
    assert evaluation.coverage_at_accuracy(labels, answers[[2, 0, 1, 3]], 0.9) == 2 / 4
    assert evaluation.coverage_at_accuracy(np.array([7, 7, 7, 7]), answers, 0.5) == 0


def test_a_label_is_doubtful_where_all_models_are_sure_of_the_same_other_digit():
    labels = np.array([1, 1, 1, 4])
    one = rows({7: 0.95}, {7: 0.95}, {7: 0.95}, {4: 0.99})
    two = rows({7: 0.95}, {2: 0.95}, {7: 0.6}, {4: 0.99})
    assert evaluation.label_issues(labels, [one, two]).tolist() == [0]
    assert evaluation.label_issues(labels, [one]).tolist() == [0, 1, 2]


def test_ambiguous_is_where_two_digits_are_nearly_as_likely():
    assert evaluation.low_margin(rows({1: 0.5, 7: 0.4}, {1: 0.6, 7: 0.3})).tolist() == [True, False]


@pytest.mark.parametrize("measure", [
    evaluation.expected_calibration_error, evaluation.calibration_scores,
    evaluation.fit_temperature, evaluation.accuracy_coverage_curve, evaluation.reliability_curve,
])  # fmt: skip
def test_what_is_no_probability_is_refused(measure):
    with pytest.raises(ValueError, match="sum to 1"):
        measure(LABELS, ANSWERS * 3)
    with pytest.raises(ValueError, match=r"shape \(4, 10\)"):
        measure(LABELS, ANSWERS[:3])
