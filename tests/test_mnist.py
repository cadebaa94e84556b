"""Every source of MNIST is verified, and the good cache survives all that goes wrong.

Most tests run on small made-up arrays that take MNIST's place in the table of checksums.
"""

import gzip
import http.server
import io
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
import warnings
from collections import Counter

import numpy as np
import pytest

from mnist_helpers import data, paths
from mnist_helpers.data import download, formats, mnist
from mnist_helpers.files import read_zip_members
from tests.hostile_tables import idx
from tests.limits import largest_file, needs_posix
from tests.test_files import zipped

pytestmark = pytest.mark.promise(4)


def npz(arrays):
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def as_arrays(loaded):
    training, test = loaded
    return dict(zip(formats.IDX_FILES, (*training, *test), strict=True))


def assert_same(loaded, arrays):
    for name, array in as_arrays(loaded).items():
        np.testing.assert_array_equal(array, arrays[name])


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Small arrays in MNIST's place, an empty cache, and no source at all."""
    random = np.random.default_rng(0)
    arrays = {
        "x_train": random.integers(0, 256, (60, 28, 28), dtype=np.uint8),
        "y_train": np.arange(60, dtype=np.uint8) % 10,
        "x_test": random.integers(0, 256, (20, 28, 28), dtype=np.uint8),
        "y_test": np.arange(20, dtype=np.uint8) % 10,
    }
    sums = mnist.array_checksums(arrays)
    table = {name: (array.shape, sums[name]) for name, array in arrays.items()}
    monkeypatch.setattr(mnist, "MNIST", table)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("MNIST_SOURCE", raising=False)
    return arrays


@pytest.fixture
def cache(small):
    path = paths.datasets_dir() / "mnist.npz"
    path.parent.mkdir(parents=True)
    path.write_bytes(npz(small))
    return path


@pytest.fixture
def give(tmp_path, monkeypatch):
    """Writes a file and names it in MNIST_SOURCE; returns its path."""

    def give(content):
        (tmp_path / "mine.npz").write_bytes(content)
        monkeypatch.setenv("MNIST_SOURCE", str(tmp_path / "mine.npz"))
        return tmp_path / "mine.npz"

    return give


class Mirror(http.server.ThreadingHTTPServer):
    """A web server on loopback whose `answers` map a path to what it does."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), MirrorHandler)
        self.answers, self.asked, self.stop_stalling = {}, Counter(), threading.Event()

    def url(self, path):
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def handle_error(self, request, client_address):
        """Says nothing: clients that hang up are part of the tests."""


class MirrorHandler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked[self.path] += 1
        answer = self.server.answers.get(self.path)
        if answer is None:
            self.send_error(404)
        elif callable(answer):
            answer(self)
        else:
            send(self, answer)

    def log_message(self, *_):
        pass


def send(handler, content, promised=None):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(content) if promised is None else promised))
    handler.end_headers()
    handler.wfile.write(content)


def stall(handler):
    send(handler, b"PK", promised=1000)
    handler.server.stop_stalling.wait(20)


def reset(handler):
    send(handler, b"PK", promised=1000)
    handler.wfile.flush()
    linger_none = struct.pack("ii", 1, 0)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger_none)
    handler.connection.close()


@pytest.fixture
def mirror(monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (1.0, 0.2))
    server = Mirror()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield server
    server.stop_stalling.set()
    server.shutdown()
    thread.join()
    server.server_close()


# Sources


def test_a_file_in_mnist_source_is_kept_in_the_cache_which_comes_first(small, give, monkeypatch):
    give(npz(small))
    assert_same(data.load_mnist(), small)
    monkeypatch.setenv("MNIST_SOURCE", "/nowhere")
    assert_same(data.load_mnist(), small)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize("layout", ["", "raw", "MNIST/raw"])
def test_a_folder_of_idx_files_also_as_torchvision_lays_it_out(
    small, tmp_path, monkeypatch, suffix, layout
):
    (tmp_path / layout).mkdir(parents=True, exist_ok=True)
    for name, file in formats.IDX_FILES.items():
        content = idx(small[name])
        packed = gzip.compress(content) if suffix else content
        (tmp_path / layout / (file + suffix)).write_bytes(packed)
    for source in (str(tmp_path), tmp_path.as_uri()):
        monkeypatch.setenv("MNIST_SOURCE", source)
        assert_same(data.load_mnist(), small)
        (paths.datasets_dir() / "mnist.npz").unlink()
    (tmp_path / layout / (formats.IDX_FILES["x_train"] + suffix)).unlink()
    with pytest.raises(FileNotFoundError, match="neither train-images-idx3-ubyte nor"):
        data.load_mnist()


@pytest.mark.parametrize(("source", "error", "message"), [
    ("/nowhere/mnist.npz", FileNotFoundError, r"MNIST_SOURCE names .*nowhere.mnist\.npz"),
    ("file:///nowhere/mnist.npz", FileNotFoundError, r"MNIST_SOURCE names .*nowhere.mnist"),
    ("file://server/mnist.npz", data.DataError, "must begin with http://, https:// or file"),
    ("ftp://server/mnist.npz", data.DataError, "must begin with http://, https:// or file"),
    ("x" * 5000, data.DataError, "MNIST_SOURCE = .* names no file or folder: .*too long"),
    ("~nobody-of-that-name/m.npz", FileNotFoundError, "there is nothing there"),
    pytest.param("/dev/zero", data.DataError, "must be a regular file", marks=needs_posix),
    ("http://", data.MnistUnavailableError, "No host supplied"),
    ("http://[::1/mnist.npz", data.MnistUnavailableError, "Invalid|parse"),
])  # fmt: skip
def test_a_source_that_cannot_be_read_is_named(small, monkeypatch, source, error, message):
    monkeypatch.setenv("MNIST_SOURCE", source)
    with pytest.raises(error, match=message):
        data.load_mnist()


def test_the_second_mirror_serves_when_the_first_does_not(small, mirror, monkeypatch):
    for name, file in formats.IDX_FILES.items():
        mirror.answers[f"/idx/{file}.gz"] = gzip.compress(idx(small[name]))
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.url("/gone.npz"), mirror.url("/idx/")))
    assert_same(data.load_mnist(), small)
    assert mirror.asked["/gone.npz"] == 1


@pytest.mark.parametrize("failure", [reset, lambda handler: handler.send_error(503)])
def test_a_transfer_that_breaks_off_is_repeated(small, mirror, monkeypatch, failure):
    def first_failure_then_whole(handler):
        if mirror.asked["/mnist.npz"] == 1:
            failure(handler)
        else:
            send(handler, npz(small))

    mirror.answers["/mnist.npz"] = first_failure_then_whole
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.url("/mnist.npz"),))
    assert_same(data.load_mnist(), small)


def redirect(target):
    def answer(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    return answer


@pytest.mark.parametrize(("answer", "cause"), [
    (stall, "timeout: no connection after 1 s, or no byte for 0.2 s"),
    (reset, "the connection broke off"),
    (None, "the server answered 404 Not Found"),
    (lambda asked: asked.send_error(404, "\x1b[31m" + "x" * 60_000), "answered 404  (31mxxx"),
    (b"\n<!DOCTYPE html><p>Log in", "is a web page"),
    (b"PK\3\4 half", "cannot be read as an .npz file"),
    (redirect("http://[::1/"), ""),
    (redirect("http://" + "x" * 70 + ".invalid/"), ""),
    (redirect("file:///etc/passwd"), "No connection adapters"),
    (redirect("/mnist.npz"), "30 redirects"),
])  # fmt: skip
def test_no_mirror_that_works(small, mirror, monkeypatch, answer, cause):
    mirror.answers["/mnist.npz"] = answer
    monkeypatch.setattr(mnist, "MIRRORS", (mirror.url("/mnist.npz"),))
    with pytest.raises(data.MnistUnavailableError) as caught:
        data.load_mnist()
    assert mirror.url("/mnist.npz") in str(caught.value) and cause in str(caught.value)
    assert len(str(caught.value)) < 700
    assert not (paths.datasets_dir() / "mnist.npz").exists()


def test_a_mirror_that_never_ends_is_cut_off(small, mirror, monkeypatch):
    monkeypatch.setattr(formats, "MAX_BYTES", 200_000)
    mirror.answers["/mnist.npz"] = bytes(300_000)
    monkeypatch.setenv("MNIST_SOURCE", mirror.url("/mnist.npz"))
    with pytest.raises(data.DataError, match=r"/mnist\.npz: .* sends more than 200,000 bytes"):
        data.load_mnist()


@pytest.mark.parametrize("part", ["header", "body"])
def test_a_mirror_that_drips_is_cut_off(small, mirror, monkeypatch, part):
    """One byte at a time, each before the socket's own timeout."""

    def drip(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n" + (b"\r\n" if part == "body" else b"X: "))
        while not handler.server.stop_stalling.wait(0.05):
            handler.wfile.write(b"x")

    mirror.answers["/mnist.npz"] = drip
    monkeypatch.setattr(download, "MAX_SECONDS", 1.0)
    monkeypatch.setenv("MNIST_SOURCE", mirror.url("/mnist.npz"))
    start = time.monotonic()
    with pytest.raises(data.MnistUnavailableError, match="not done after 1 s"):
        data.load_mnist()
    assert time.monotonic() - start < 5


def free_address():
    """Returns an address on this machine where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{closed.getsockname()[1]}"


def test_offline_the_three_remedies_come_at_once(small, monkeypatch):
    refused = free_address() + "/mnist.npz"
    unknown = "http://no-such-host.invalid/mnist/"
    monkeypatch.setattr(mnist, "MIRRORS", (refused, unknown))
    start = time.monotonic()
    with pytest.raises(data.MnistUnavailableError) as caught:
        data.load_mnist()
    assert time.monotonic() - start < 10
    cache = paths.datasets_dir() / "mnist.npz"
    for remedy in ("MNIST_SOURCE", f"put mnist.npz at {cache}", 'DATASET = "digits"'):
        assert remedy in str(caught.value)
    assert f"{refused} (no connection: the host refused it" in str(caught.value)
    assert "(DNS: the host name is unknown" in str(caught.value)


def test_a_proxy_that_is_dead_is_named(small, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", free_address())
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("MNIST_SOURCE", "http://mirror.invalid/mnist.npz")
    with pytest.raises(data.MnistUnavailableError, match="the proxy did not connect.*HTTPS_PROXY"):
        data.load_mnist()


def test_a_certificate_that_is_not_accepted_is_named(small, tmp_path, monkeypatch):
    """Self-signed, as a proxy that inspects the traffic presents it."""
    certificate, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
    command += ["-addext", "subjectAltName=IP:127.0.0.1", "-out", certificate, "-keyout", key]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("openssl is not installed")
    server = Mirror()
    server.answers["/mnist.npz"] = npz(small)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = server.url("/mnist.npz").replace("http:", "https:")
    monkeypatch.setenv("MNIST_SOURCE", url)
    with pytest.raises(data.MnistUnavailableError, match="certificate .*set REQUESTS_CA_BUNDLE to"):
        data.load_mnist()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))  # what the message advises
    assert_same(data.load_mnist(), small)
    server.shutdown()
    server.server_close()


# Damage


def changed(arrays, **changes):
    return npz(arrays | changes)


def repacked(arrays, change):
    """The same archive, the file of x_train changed."""
    parts = read_zip_members(npz(arrays), 10**6)
    return zipped(**parts | {"x_train.npy": change(parts["x_train.npy"])})


def flipped(arrays):
    content = bytearray(npz(arrays))
    content[2000] ^= 1
    return bytes(content)


BAD_NPZ = {
    "bit flipped": (flipped, "damaged or encrypted: Bad CRC-32"),
    "pickle": (
        lambda a: changed(a, y_train=np.array([print], object)),
        "cannot be read as an .npz file: Object arrays cannot be loaded",
    ),
    "shape beyond integers": (
        lambda a: repacked(a, lambda file: file.replace(b"(60, 28, 28)", b"(0x9fffffff,)")),
        "cannot be read",
    ),
    "long header": (
        lambda a: repacked(a, lambda _: b"\x93NUMPY\1\0\xff\xff" + b" " * 65_535),
        r"load securely\.$",  # NumPy's first line of several
    ),
    "one altered label": (
        lambda a: changed(a, y_train=np.r_[a["y_train"][1:], a["y_train"][:1]]),
        "y_train differ from MNIST's by checksum",
    ),
    "wrong shape": (
        lambda a: changed(a, x_test=a["x_test"].reshape(20, 784)), r"x_test .* shape \(20, 784\)"
    ),
    "wrong type": (lambda a: changed(a, y_test=a["y_test"].astype(int)), "y_test is int64"),
    "missing array": (lambda a: npz({"x_train": a["x_train"]}), "has no array y_train"),
}  # fmt: skip


@pytest.mark.parametrize("damage", BAD_NPZ)
def test_a_bad_npz_is_refused_by_name(small, give, damage):
    spoil, message = BAD_NPZ[damage]
    source = give(spoil(small))
    with pytest.raises(data.DataError, match=message) as caught:
        data.load_mnist()
    assert str(source) in str(caught.value)
    assert not (paths.datasets_dir() / "mnist.npz").exists()


def test_a_zip_bomb_and_a_large_file_are_refused_before_they_are_read(tmp_path, small, monkeypatch):
    with (tmp_path / "huge.npz").open("wb") as file:
        file.truncate(formats.MAX_BYTES + 1)
    monkeypatch.setenv("MNIST_SOURCE", str(tmp_path / "huge.npz"))
    with pytest.raises(data.DataError, match="is larger than"):
        data.load_mnist()
    monkeypatch.setattr(formats, "MAX_BYTES", 10_000)
    bomb = io.BytesIO()
    np.savez_compressed(bomb, x_train=np.zeros(1_000_000, np.uint8))
    with pytest.raises(data.DataError, match="unpacks to 1,000,128 bytes"):
        formats.parse_npz(bomb.getvalue(), "bomb.npz")


BAD_IDX = {
    "breaks off": (idx(np.zeros((3, 28, 28), np.uint8))[:-1], "promises 2,352 values"),
    "header only": (b"\0\0\x08\xff", "is no IDX file"),
    "other type": (b"\0\0\x0d\x01\0\0\0\0", "is no IDX file"),
    "empty": (b"", "is no IDX file"),
    "web page": (b"<!doctype html>", "is a web page"),
    "gzip breaks off": (gzip.compress(bytes(1000))[:-9], "breaks off where"),
    "damaged gzip": (b"\x1f\x8b" + bytes(50), "is damaged where it is compressed"),
    "gzip bomb": (gzip.compress(bytes(2_000_000)), "unpacks to more than 1,000,000 bytes"),
}


@pytest.mark.parametrize("damage", BAD_IDX)
def test_a_bad_idx_file_is_refused_by_name(monkeypatch, damage):
    monkeypatch.setattr(formats, "MAX_BYTES", 1_000_000)
    content, message = BAD_IDX[damage]
    with pytest.raises(data.DataError, match=message):
        formats.parse_idx(content, "labels.gz")


def test_a_damaged_cache_is_set_aside_also_offline_and_fetched_again(small, cache, give):
    damaged = flipped(small)
    cache.write_bytes(damaged)
    with (
        pytest.warns(UserWarning, match=r"set aside as mnist\.npz\.damaged"),
        pytest.raises(data.MnistUnavailableError),
    ):
        data.load_mnist()
    assert not cache.exists()
    assert cache.with_name("mnist.npz.damaged").read_bytes() == damaged
    give(npz(small))
    assert_same(data.load_mnist(), small)
    assert cache.exists()


@pytest.mark.parametrize("spoil", ["damaged", pytest.param("pipe", marks=needs_posix), "folder"])
def test_a_damaged_cache_that_cannot_be_set_aside_is_no_error(small, cache, give, spoil):
    cache.unlink()
    if spoil == "damaged":
        cache.write_bytes(flipped(small))
    else:
        os.mkfifo(cache) if spoil == "pipe" else cache.mkdir()
    (cache.with_name("mnist.npz.damaged") / "in the way").mkdir(parents=True)
    give(npz(small))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert_same(data.load_mnist(), small)
    assert spoil == "folder" or "could not be set aside" in str(caught[0].message)


def test_a_cache_folder_that_cannot_be_made_is_no_error(small, tmp_path, give):
    (tmp_path / "home").write_text("a file in the folder's place")
    give(npz(small))
    with pytest.warns(UserWarning, match="MNIST was loaded, but not kept"):
        assert_same(data.load_mnist(), small)


@pytest.mark.promise(2)
def test_a_full_disk_costs_the_cache_and_not_the_data(small, give):
    give(npz(small))
    with largest_file(9000), pytest.warns(UserWarning, match="MNIST was loaded, but not kept"):
        assert_same(data.load_mnist(), small)
    assert not list(paths.datasets_dir().glob("*.npz"))


# Several processes

# Loading needs neither TensorFlow nor scikit-learn.
WORKER = """
import json, sys
from mnist_helpers import data
from mnist_helpers.data import mnist
table = json.loads(sys.argv[1])
mnist.MNIST = {name: (tuple(shape), checksum) for name, (shape, checksum) in table.items()}
data.load_mnist()
assert not {'tensorflow', 'keras', 'sklearn'} & set(sys.modules)
print("good")
"""


@pytest.mark.promise(3)
@pytest.mark.slow
def test_eight_processes_on_an_empty_cache_download_once(small, mirror, monkeypatch):
    def slowly(handler):
        time.sleep(0.4)
        send(handler, npz(small))

    mirror.answers["/mnist.npz"] = slowly
    monkeypatch.setenv("MNIST_SOURCE", mirror.url("/mnist.npz"))
    command = [sys.executable, "-c", WORKER, json.dumps(mnist.MNIST)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    workers = [subprocess.Popen(command, cwd=paths.PROJECT, **options) for _ in range(8)]
    answers = [worker.communicate(timeout=60) for worker in workers]
    assert [out.strip() for out, _ in answers] == ["good"] * 8, answers
    assert mirror.asked["/mnist.npz"] == 1


def test_the_fingerprint_tells_data_sets_apart(small, cache):
    first = data.dataset_fingerprint("mnist")
    assert re.fullmatch("[0-9a-f]{12}", first)
    assert first == data.dataset_fingerprint("mnist") != data.dataset_fingerprint("digits")
