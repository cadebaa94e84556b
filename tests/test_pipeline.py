import numpy as np
import pytest

from mnist_helpers.training.augmentation import Augmentation
from mnist_helpers.training.pipeline import training_dataset, validation_dataset
from mnist_helpers.training.robust_augmentation import RobustAugmentation

N, BATCH = 103, 10
LABELS = np.arange(N, dtype=np.uint8) % 10


@pytest.fixture
def images():
    """Each image carries its own number in its first two pixels."""
    images = np.zeros((N, 28, 28), np.uint8)
    images[:, 0, 0] = np.arange(N)
    images[:, 14, 14] = 255
    return images


def take(dataset):
    batches = list(dataset.as_numpy_iterator())
    return np.concatenate([x for x, _ in batches]), np.concatenate([y for _, y in batches])


def numbers(x):
    return (x[:, 0, 0, 0] * 255).round().astype(int)


@pytest.mark.parametrize("batch, shown", [(BATCH, 100), (51, 102)])
def test_each_epoch_shows_images_at_most_once_with_their_labels_and_is_shuffled_anew(
    images, batch, shown
):
    x, y = take(training_dataset(images, LABELS, epochs=2, batch_size=batch))
    assert x.shape == (2 * shown, 28, 28, 1) and x.dtype == np.float32
    np.testing.assert_array_equal(y.argmax(1), numbers(x) % 10)
    first, second = list(numbers(x[:shown])), list(numbers(x[shown:]))
    assert len({*first}) == len({*second}) == shown
    assert first != second and first != sorted(first)


@pytest.mark.parametrize("augmentation", [Augmentation(), RobustAugmentation()])
@pytest.mark.parametrize("share, count", [(0.0, 0), (0.3, 3), (0.5, 5), (1.0, 10)])
def test_the_share_counts_the_augmented(images, share, count, augmentation):
    options = dict(epochs=1, batch_size=BATCH)
    plain, _ = take(training_dataset(images, LABELS, **options))
    mixture = dict(augmentation=augmentation, augmented_share=share)
    mixed, _ = take(training_dataset(images, LABELS, **options, **mixture))
    changed = (plain != mixed).any(axis=(1, 2, 3)).reshape(-1, BATCH)
    assert (changed.sum(axis=1) == count).all()


def test_a_later_start_sees_the_batches_of_an_undisturbed_run(images):
    options = dict(epochs=5, batch_size=BATCH, seed=7, augmentation=Augmentation())
    whole, _ = take(training_dataset(images, LABELS, **options))
    rest, _ = take(training_dataset(images, LABELS, **options, first_epoch=3))
    np.testing.assert_array_equal(whole[300:], rest)


def test_validation_shows_every_image_once_in_order_as_it_is(images):
    dataset = validation_dataset(images, LABELS, batch_size=50)
    assert [len(x) for x, _ in dataset] == [50, 50, 3]
    x, y = take(dataset)
    np.testing.assert_array_equal(x, images[..., None] / np.float32(255))
    np.testing.assert_array_equal(y, np.eye(10, dtype=np.float32)[LABELS])
    for wrong, says in [((images / 255, LABELS), "uint8"), ((images, LABELS[1:]), "103")]:
        with pytest.raises(ValueError, match=says):
            validation_dataset(*wrong)


def test_an_image_is_augmented_differently_in_each_epoch(images):
    options = dict(epochs=2, batch_size=100, augmentation=Augmentation(), augmented_share=1.0)
    x, _ = take(training_dataset(images[:100] * 0 + 255, LABELS[:100], **options))
    assert not (x[:100] == x[100:]).all(axis=(1, 2, 3)).any()


def test_the_seed_decides(images):
    def run(seed):
        return take(training_dataset(images, LABELS, epochs=1, batch_size=BATCH, seed=seed))[0]

    np.testing.assert_array_equal(run(1), run(1))
    assert not np.array_equal(run(1), run(2))


@pytest.mark.parametrize(
    "wrong, says",
    [
        (dict(batch_size=-2), "batch_size must be"),
        (dict(epochs=0), "epochs must be"),
        (dict(augmented_share=1.5), "augmented_share must be"),
        (dict(augmentation=Augmentation(), batch_size=1), "0.5 of a batch of 1 is no whole image"),
        (dict(batch_size=200), "do not fill one batch"),
        (dict(labels=np.zeros(3, np.uint8)), "one label"),
    ],
)
def test_impossible_requests_are_refused(images, wrong, says):
    with pytest.raises(ValueError, match=says):
        training_dataset(images, **{"labels": LABELS, "epochs": 1, **wrong})
