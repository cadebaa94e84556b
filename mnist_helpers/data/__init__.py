"""MNIST and other data sets: loading, verifying, splitting, exploring."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "formats": ["DataError"],
        "mnist": ["MnistUnavailableError", "array_checksums", "load_mnist"],
        "datasets": [
            "class_names", "dataset_fingerprint", "dataset_title", "load_dataset",
            "load_digits_as_mnist", "load_for_testing", "load_for_training", "load_test",
            "load_training", "split_validation",
        ],
        "exploration": ["outliers", "tsne_embedding"],
    },
)  # fmt: skip
