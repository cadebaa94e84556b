"""Downloads with pooch, within limits of size and time, and with causes that a reader can act on.

pooch sends the request, shows the progress and writes the chunks. It knows no limit of size or of
total time, hence the buffer and the thread around it.
"""

import io
import threading
import time

import pooch  # type: ignore[import-untyped]
import requests
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

from mnist_helpers.files import DataError
from mnist_helpers.validation import plain_text

TIMEOUT = (3.0, 10.0)  # seconds to connect, seconds without a byte
MAX_SECONDS = 600.0  # for one file in all, so that a server that drips bytes cannot hold a run
ATTEMPTS = 3
LONGEST_REASON = 80  # letters of what a server gives as its reason
BUSY = (429, 500, 502, 503, 504)


class DownloadError(OSError):
    """A file could not be downloaded; the message says why, and what may help."""


class _Buffer(io.BytesIO):
    """Takes what pooch writes, up to a limit and until the download is given up."""

    def __init__(self, max_bytes: int):
        super().__init__()
        self.max_bytes, self.given_up = max_bytes, False

    def write(self, chunk) -> int:  # type: ignore[no-untyped-def]
        if self.given_up:
            raise TimeoutError
        if self.tell() + len(chunk) > self.max_bytes:
            raise DataError(f"The server sends more than {self.max_bytes:,} bytes.")
        return super().write(chunk)


def download(url: str, max_bytes: int, progress: bool = True) -> bytes:
    """Downloads one file into memory; a transfer that breaks off is repeated.

    Args:
        url: Where the file is, by HTTP or HTTPS.
        max_bytes: How large the file may be.
        progress: Whether a progress bar is shown.

    Raises:
        DownloadError: The server could not be reached, gave an error, broke off, or was not done
            after `MAX_SECONDS`.
        DataError: The file is larger than `max_bytes`.
    """
    deadline = time.monotonic() + MAX_SECONDS
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return _transfer(url, max_bytes, deadline, progress)
        except DataError as error:
            raise DataError(f"{url}: {error}") from error
        except Exception as error:  # a malformed redirect raises more than requests documents
            if attempt == ATTEMPTS or not _may_pass(error):
                raise DownloadError(f"{url} ({_cause(error)})") from error
        time.sleep(attempt / 2)
    raise AssertionError("unreachable")


def _transfer(url: str, max_bytes: int, deadline: float, progress: bool) -> bytes:
    buffer, errors, responses = _Buffer(max_bytes), [], []
    get = pooch.HTTPDownloader(
        progressbar=progress,
        timeout=TIMEOUT,
        headers={"Accept-Encoding": "identity"},  # packed once more, it would hide its size
        hooks={"response": lambda response, **_: responses.append(response)},
    )

    def run() -> None:
        try:
            get(url, buffer, None)
        except Exception as error:
            errors.append(error)
        finally:
            for response in responses:  # which pooch leaves open after an error
                response.close()

    # A socket's timeout restarts with every byte, also of a header. A daemon, so that a thread
    # that still waits does not keep the process from ending.
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        thread.join(max(deadline - time.monotonic(), 0))
    finally:
        buffer.given_up = True  # also when the user interrupts
    if thread.is_alive():
        raise TimeoutError
    if errors:
        raise errors[0]
    return buffer.getvalue()


def _reason(error: Exception) -> object:
    """Returns what urllib3 gave requests as the reason."""
    inner = error.args[0] if error.args else None
    return getattr(inner, "reason", None) or inner


def _may_pass(error: Exception) -> bool:
    """Says whether another attempt has a chance: without internet the answer comes at once."""
    if isinstance(error, requests.HTTPError):
        return error.response.status_code in BUSY
    lasting = requests.exceptions.SSLError, requests.exceptions.ProxyError, requests.ConnectTimeout
    broken = requests.ConnectionError, requests.exceptions.ChunkedEncodingError
    return (
        isinstance(error, broken)
        and not isinstance(error, lasting)
        and not isinstance(_reason(error), NewConnectionError)
    )


def _cause(error: Exception) -> str:
    reason = _reason(error)
    if isinstance(error, requests.HTTPError):
        said = plain_text(error.response.reason)[:LONGEST_REASON]
        return f"the server answered {error.response.status_code} {said}"
    if isinstance(error, requests.exceptions.ProxyError):
        return "the proxy did not connect; check HTTPS_PROXY and HTTP_PROXY, or unset them"
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "its certificate was not accepted; if a proxy inspects your traffic, set "
            f"REQUESTS_CA_BUNDLE to the file with the proxy's certificate: {reason}"
        )
    if isinstance(error, TimeoutError):
        return f"not done after {MAX_SECONDS:g} s"
    if isinstance(error, requests.Timeout) or isinstance(reason, ReadTimeoutError):
        return f"timeout: no connection after {TIMEOUT[0]:g} s, or no byte for {TIMEOUT[1]:g} s"
    if isinstance(reason, NameResolutionError):
        return "DNS: the host name is unknown; are you offline, or is HTTPS_PROXY to be set?"
    if isinstance(reason, NewConnectionError):
        return "no connection: the host refused it or cannot be reached"
    if isinstance(error, requests.ConnectionError | requests.exceptions.ChunkedEncodingError):
        return "the connection broke off"
    return str(error) or type(error).__name__
