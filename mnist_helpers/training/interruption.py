"""One line in place of a long traceback when a reader interrupts training in a notebook."""

from collections.abc import Callable

from IPython import get_ipython


class TrainingInterruptedError(KeyboardInterrupt):
    """Training was interrupted; the message says how to continue."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows in place of a traceback."""
        return [str(self)]


def explain_interruption(message: Callable[[], str]) -> None:
    """Has IPython show `message()` instead of the next interruption's traceback.

    The cell still fails, so that *Run All* stops. Without IPython nothing changes.
    """
    shell = get_ipython()
    if shell is None:
        return

    def show(shell, kind, error, traceback, tb_offset=None):
        shell.set_custom_exc((), None)
        short = TrainingInterruptedError(message())
        shell.showtraceback((type(short), short, None))

    shell.set_custom_exc((KeyboardInterrupt,), show)


def stop_explaining() -> None:
    """Gives interruptions their usual traceback again."""
    shell = get_ipython()
    if shell is not None:
        shell.set_custom_exc((), None)
