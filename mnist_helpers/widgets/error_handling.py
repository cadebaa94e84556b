"""When a callback fails: a sentence if the picture is to blame, an error shown if the code is."""

import functools
import html
from collections.abc import Callable

import ipywidgets

from mnist_helpers.preprocessing.mnist_format import PictureError

# Jupyter only logs what a callback raises, so errors are kept here for tests to look at.
failures: list[Exception] = []


def message_line() -> ipywidgets.HTML:
    """Returns an empty line that screen readers announce when it gets a text."""
    return ipywidgets.HTML()


def error_html(error: Exception) -> str:
    """Returns what a widget shows for an error in a callback.

    A `PictureError` is for the reader to mend: its sentence is shown, and that is all. Anything
    else is a mistake in the code: it is shown as such and kept in `failures`.
    """
    if isinstance(error, PictureError):
        return f'<b role="alert">{html.escape(str(error))}</b>'
    failures.append(error)
    text = html.escape(f"{type(error).__name__}: {error}")
    return f'<b role="alert" class="mnist-failure">Error in the code: {text}</b>'


def handle_errors(message: ipywidgets.HTML) -> Callable:
    """Makes a decorator for callbacks whose errors show in `message`, as `error_html` says.

    Errors in the code are raised as well.

    Args:
        message: Emptied before each call.
    """

    def decorate(callback: Callable) -> Callable:
        @functools.wraps(callback)
        def call(*arguments):
            message.value = ""
            try:
                return callback(*arguments)
            except Exception as error:
                message.value = error_html(error)
                if not isinstance(error, PictureError):
                    raise

        return call

    return decorate
