import mnist_helpers  # noqa: F401  before Keras, whose home it sets
