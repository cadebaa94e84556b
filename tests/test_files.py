"""Reading untrusted files within limits, and atomic writes."""

import io
import os
import subprocess
import sys
import zipfile

import pytest

from mnist_helpers import files, paths
from mnist_helpers.training.folder_lock import FolderLock
from tests.limits import Peak, needs_posix


def zipped(method=zipfile.ZIP_DEFLATED, **members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def declare(content, size):
    """Makes the only member declare another unpacked size, in both of its headers."""
    changed = bytearray(content)
    for marker, offset in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        start = changed.index(marker) + offset
        changed[start : start + 4] = size.to_bytes(4, "little")
    return bytes(changed)


def twice_the_same_name():
    return zipped(a=b"1", b=b"2").replace(b"b", b"a")


def overlapping():
    """Two entries of the directory for one and the same data."""
    content = bytearray(zipped(zipfile.ZIP_STORED, a=bytes(1000)))
    start, end = content.index(b"PK\1\2"), content.index(b"PK\5\6")
    entry, tail = content[start:end], content[end:]
    tail[8:12], tail[12:16] = b"\2\0\2\0", (2 * len(entry)).to_bytes(4, "little")
    return bytes(content[:start] + entry + entry.replace(b"a", b"b") + tail)


def encrypted():
    content = bytearray(zipped(a=b"secret"))
    content[content.index(b"PK\3\4") + 6] |= 1
    content[content.index(b"PK\1\2") + 8] |= 1
    return bytes(content)


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_members_come_out_as_they_went_in(method):
    members = {"a": b"text", "folder/b": bytes(5000), "empty": b""}
    assert files.read_zip_members(zipped(method, **members), 5004) == members


@pytest.mark.promise(6)
@pytest.mark.parametrize(("content", "message"), [
    (b"no archive", "damaged or encrypted: File is not a zip file"),
    (zipped(a=bytes(10_001)), "unpacks to 10,001 bytes, above 10,000"),
    (zipped(a=bytes(5000), b=bytes(5001)), "unpacks to 10,001 bytes"),
    (declare(zipped(a=bytes(10_000_000)), 100), "Bad CRC-32|another size"),
    (declare(zipped(a=b"short"), 100), "another size|damaged"),
    (zipped(zipfile.ZIP_BZIP2, a=b""), "a in the zip archive is neither stored nor deflated"),
    (zipped(zipfile.ZIP_LZMA, a=b""), "neither stored nor deflated"),
    (twice_the_same_name(), "several members of the same name"),
    (overlapping(), "overlap"),
    (encrypted(), "encrypted"),
    (zipped(**{f"{n}": b"" for n in range(1_001)}), "more than 1,000 members"),
])  # fmt: skip
def test_a_hostile_archive_gives_an_error(content, message):
    with pytest.raises(ValueError, match=message):
        files.read_zip_members(content, 10_000)


@pytest.mark.slow
@pytest.mark.promise(6)
def test_a_bomb_does_not_unpack_beyond_what_it_declares():
    bomb = declare(zipped(a=bytes(200_000_000)), 100)
    with Peak() as peak, pytest.raises(ValueError, match="Bad CRC-32|another size"):
        files.read_zip_members(bomb, 10**6)
    assert peak.megabytes < 50


@pytest.mark.promise(6)
def test_only_regular_files_of_limited_size_are_read(tmp_path):
    (tmp_path / "good").write_bytes(b"12345")
    assert files.read_bytes(tmp_path / "good", 5) == b"12345"
    with (tmp_path / "sparse").open("wb") as sparse:
        sparse.truncate(2**40)
    with pytest.raises(ValueError, match="must be a regular file"):
        files.read_bytes(tmp_path, 10)
    for name in ("good", "sparse"):
        with pytest.raises(ValueError, match="is larger than 4 bytes"):
            files.read_bytes(tmp_path / name, 4)


@needs_posix
@pytest.mark.promise(6)
def test_no_pipe_and_no_device_is_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", "/dev/zero"):
        with pytest.raises(ValueError, match="must be a regular file"):
            files.read_bytes(path, 10)


@pytest.mark.skipif(not os.path.exists("/proc/self/maps"), reason="Linux alone has such files")
@pytest.mark.promise(6)
def test_a_file_that_states_a_size_of_0_is_not_read_without_bound():
    with pytest.raises(ValueError, match="is larger than 4 bytes"):
        files.read_bytes("/proc/self/maps", 4)
    with pytest.raises(OSError, match="/proc/self/mem"):  # as of a disk that fails
        files.read_bytes("/proc/self/mem", 4)


@pytest.mark.promise(2)
def test_a_file_half_written_passes_for_no_model_and_is_removed_at_the_next_start(tmp_path):
    script = f"""
import os
from mnist_helpers import files
with files.atomic_write({str(tmp_path / "best.keras")!r}) as temporary:
    temporary.write_bytes(b"half")
    assert temporary.suffix == ".keras"
    os._exit(1)
"""
    subprocess.run([sys.executable, "-c", script], cwd=paths.PROJECT, timeout=60)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".best.keras.")
    assert not list(tmp_path.glob("*.keras"))
    FolderLock(tmp_path).release()
    assert not left.exists()


def test_what_a_process_that_runs_is_writing_stays(tmp_path):
    writing = tmp_path / f".status.json.{os.getppid()}.tmp"
    writing.mkdir()
    lock = FolderLock(tmp_path)
    assert writing.exists()
    lock.release()


def test_a_failed_write_leaves_the_previous_version(tmp_path):
    files.write_json(tmp_path / "metrics.json", {"good": 1})
    with pytest.raises(RuntimeError), files.atomic_write(tmp_path / "metrics.json") as temporary:
        temporary.write_text("half")
        raise RuntimeError("killed")
    assert files.read_json(tmp_path / "metrics.json") == {"good": 1}
    assert [found.name for found in tmp_path.iterdir()] == ["metrics.json"]


def test_reading_a_folder_neither_makes_it_nor_asks_for_permission(tmp_path):
    folder = paths.input_dir(tmp_path / "none")
    assert folder == tmp_path / "none" and not folder.exists()
    assert paths.input_dir("runs") == paths.RUNS_DIR
    assert paths.output_dir(folder).exists()
