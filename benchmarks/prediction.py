"""Prediction: one image as a widget asks for it, and many in batches, on the shipped model."""

from common import interleaved, save_result, seconds_per_call

from mnist_helpers import data
from mnist_helpers.evaluation.inference import Predictor
from mnist_helpers.paths import SHIPPED_DIR
from mnist_helpers.training.artifacts import load_model
from mnist_helpers.training.model_choice import find_model
from mnist_helpers.training.pipeline import to_input
from mnist_helpers.training.precision import default_dtype_policy

ROUNDS, IMAGES, BATCH = 5, 10_000, 500


def main() -> None:
    """Measures both and writes the result file."""
    predict = Predictor(load_model(find_model(SHIPPED_DIR), default_dtype_policy()), BATCH)
    (images, _), _ = data.load_training("mnist")
    pictures = to_input(images[:IMAGES])
    one = pictures[:1]
    measures = {
        "single_ms": lambda: 1e3 * seconds_per_call(lambda: predict(one), 100),
        "batch_images_per_second": lambda: IMAGES / seconds_per_call(lambda: predict(pictures), 1),
    }
    save_result("prediction", interleaved(measures, ROUNDS))


if __name__ == "__main__":
    main()
