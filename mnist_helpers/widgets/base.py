"""What all widgets share: still pictures for static pages, questions to the kernel, and errors.

When a callback fails, a sentence shows if the picture is to blame, an error if the code is.
"""

import html
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import anywidget
import ipywidgets
import traitlets

from mnist_helpers.preprocessing.mnist_format import PictureError

# Jupyter only logs what a callback raises, so errors are kept here for tests to look at.
failures: list[Exception] = []


@contextmanager
def handle_errors(message: ipywidgets.HTML | SimpleNamespace) -> Iterator[None]:
    """Decorates callbacks whose errors show in `message`.

    A `PictureError` is for the reader to mend: its sentence is shown, and that is all. Anything
    else is a mistake in the code: it is shown as such, kept in `failures`, and raised.

    Args:
        message: Has HTML as its `value`, which is emptied before each call.
    """
    message.value = ""
    try:
        yield
    except PictureError as error:
        message.value = f'<b role="alert">{html.escape(str(error))}</b>'
    except Exception as error:
        failures.append(error)
        text = html.escape(f"{type(error).__name__}: {error}")
        message.value = f'<b role="alert" class="mnist-failure">Error in the code: {text}</b>'
        raise


def javascript(*names: str) -> str:
    """Returns scripts of this folder, one after the other."""
    folder = Path(__file__).parent
    return "".join((folder / f"{name}.js").read_text(encoding="utf-8") for name in names)


class StillPicture:
    """Mixin: one output that is a live widget with a kernel, and a still picture without one.

    Attributes:
        still: HTML of the widget's first state.
    """

    still: str

    def _repr_mimebundle_(self, **options) -> tuple[dict, dict]:
        bundle = super()._repr_mimebundle_(**options)  # type: ignore[misc]  # of the widget
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        summary = str(inspect.getdoc(type(self))).partition("\n")[0]  # anywidget subclasses ours
        return data | {"text/html": self.still, "text/plain": summary}, metadata


class AskingWidget(StillPicture, anywidget.AnyWidget):
    """A widget whose browser side asks questions, and whose kernel side replies in HTML.

    A question and its reply carry the same number, so the browser knows which reply it waits for:
    it hides the previous one meanwhile, and says that the notebook is busy if none comes.
    """

    # The browser has the question already; an upload's echo would send megabytes back.
    question: traitlets.Dict = traitlets.Dict({"number": 0}).tag(sync=True, echo_update=False)
    reply: traitlets.Dict = traitlets.Dict({"number": 0, "html": ""}).tag(sync=True)

    def __init__(self, first_reply: str, **traits) -> None:
        super().__init__(reply={"number": 0, "html": first_reply}, **traits)
        self.observe(self._reply, "question")

    def reply_html(self, question: dict) -> str:
        """Answers a question; subclasses define it."""
        raise NotImplementedError

    def _reply(self, change) -> None:
        message = SimpleNamespace()
        try:
            with handle_errors(message):
                message.value = self.reply_html(change["new"])
        finally:  # the browser waits for a reply, even to a question that was interrupted
            self.reply = {"number": change["new"]["number"], "html": message.value}
