"""Helpers for the MNIST hybrid-training notebooks.

Import this package before Keras: it sets where Keras keeps its files.
"""

import os

from mnist_helpers import paths

paths.set_keras_home()
# TensorFlow's start-up notes about the processor would fill the first cell of every notebook.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
