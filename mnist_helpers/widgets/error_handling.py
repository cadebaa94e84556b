"""When a callback fails: a sentence if the picture is to blame, an error shown if the code is."""

import html
from collections.abc import Iterator
from contextlib import contextmanager

import ipywidgets

from mnist_helpers.preprocessing.mnist_format import PictureError

# Jupyter only logs what a callback raises, so errors are kept here for tests to look at.
failures: list[Exception] = []


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


@contextmanager
def handle_errors(message: ipywidgets.HTML) -> Iterator[None]:
    """Decorates callbacks whose errors show in `message`, as `error_html` says.

    Errors in the code are raised as well.

    Args:
        message: Emptied before each call.
    """
    message.value = ""
    try:
        yield
    except Exception as error:
        message.value = error_html(error)
        if not isinstance(error, PictureError):
            raise
