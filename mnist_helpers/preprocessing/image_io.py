"""Picture files, Pillow images and arrays, read as grey values in [0, 1]."""

import io
import re
import threading
import warnings
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image

from mnist_helpers import files

Picture = str | Path | bytes | Image.Image | np.ndarray

# The formats that are opened. Not EPS, for which Pillow starts another program (Ghostscript), nor
# formats of games and of science, whose decoders are seldom tried on damaged files.
FORMATS = ("AVIF", "BMP", "GIF", "HEIF", "ICO", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
# Larger pictures are averaged down to this longer side: ample for a digit of 20 pixels.
WORKING_SIDE = 400
SMALLEST_SIDE = 5  # pixels; fewer cannot show a digit
LARGEST_FILE = 200_000_000  # bytes
LARGEST_DECODED = 400_000_000  # bytes that a picture takes once it is decoded
# What takes minutes to decode: a progressive JPEG goes over all its pixels once for each scan, of
# which there are ten as a rule; and some of Pillow's decoders are written in Python.
MOST_SCANNED = 1_000_000_000  # pixels, times scans
PYTHON_DECODERS = {"bmp_rle", "ppm", "ppm_plain"}
LARGEST_IN_PYTHON = 4_000_000  # bytes of a file for them
PPM_HEADER = re.compile(rb"P[1-6Ff](?:(?:\s|#.*\n)+[\d.+-]+){2,3}\s")
GREY_WEIGHTS = (0.299, 0.587, 0.114)  # of red, green, blue: ITU-R 601-2, as Pillow has it
BYTES_OF_MODE = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2, "L": 1, "P": 1, "1": 1}
ORIENTATIONS = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a),
}  # of EXIF: what brings the stored pixels upright

pillow_heif.register_heif_opener(thumbnails=False)
# One file at a time, whatever the threads: warnings' filters are the whole process's, and a limit
# on what one picture takes is worth little if several take it at once.
DECODING = threading.Lock()
IMAGE_SUFFIXES = frozenset(
    suffix for suffix, name in Image.registered_extensions().items() if name in (*FORMATS, "MPO")
)


class PictureError(ValueError):
    """A picture in which no digit can be found; the message is for the person who gave it."""


def read_grey(picture: Picture, longest: int = WORKING_SIDE) -> np.ndarray:
    """Reads a picture as grey values, averaged down where it is large.

    Transparent parts become white under dark ink and black under light ink.

    Args:
        picture: As for `to_mnist`.
        longest: Pixels that no side of the result exceeds.

    Returns:
        float64 array of shape (h, w), values in [0, 1].

    Raises:
        PictureError: It cannot be decoded, is tiny or huge, or holds values that are no grey
            values.
        OSError: The file cannot be read.
    """
    if isinstance(picture, np.ndarray):
        channels = _channels_of_array(picture, longest)
    else:
        channels = _channels_of_file(picture, longest)
    height, width = channels.shape[:2]
    if max(height, width) < SMALLEST_SIDE or min(height, width) < 2:
        reduced = f" once its longer side is {longest}" if max(height, width) == longest else ""
        raise PictureError(
            f"The picture has {width} × {height} pixels{reduced}; a digit needs at least "
            f"{SMALLEST_SIDE} one way and 2 the other."
        )
    grey, alpha = np.moveaxis(channels, 2, 0)
    if alpha.min() < 1:
        paper = 0.0 if np.average(grey, weights=alpha + 1e-6) > 0.5 else 1.0
        grey = alpha * grey + (1 - alpha) * paper
    return grey


def _channels_of_array(array: np.ndarray, longest: int) -> np.ndarray:
    """Returns grey and alpha as float64 of shape (h, w, 2) in [0, 1]."""
    if np.ma.is_masked(array):
        raise PictureError("The picture has masked pixels; fill them first.")
    array = np.asarray(array)
    depth = array.shape[-1] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or depth not in (1, 2, 3, 4) or array.dtype.kind not in "buif":
        raise PictureError(
            "One picture is an array of numbers of shape (height, width), or with 1 to 4 "
            f"channels behind; this is {array.dtype} of shape {array.shape}."
        )
    if array.size == 0:
        raise PictureError("The picture has no pixels.")
    lowest, highest = float(array.min()), float(array.max())
    if not np.isfinite([lowest, highest]).all():
        raise PictureError("The picture holds values that are not finite numbers.")
    if lowest < 0:
        raise PictureError(f"Grey values are not negative, but the picture holds {lowest:g}.")
    values = _averaged(array.reshape(*array.shape[:2], depth), longest)
    values /= _full_scale(array.dtype, highest)
    alpha = values[..., -1] if depth in (2, 4) else np.ones(values.shape[:2])
    weights = GREY_WEIGHTS if depth > 2 else (1.0,)
    grey = values[..., : len(weights)] @ np.array(weights)
    return np.clip(np.stack([grey, alpha], axis=2), 0, 1)


def _full_scale(dtype: np.dtype, highest: float) -> int:
    """Returns the value that stands for white."""
    scales = {"b": (1,), "f": (1, 16, 255)}.get(dtype.kind, (255, 4095, 65535))
    for scale in scales:
        if highest <= scale:
            return scale
    raise PictureError(f"Grey values reach to {scales[-1]:,}, but the picture holds {highest:g}.")


def _averaged(values: np.ndarray, longest: int) -> np.ndarray:
    """Averages squares of pixels, row by row, so that a large picture is never copied whole."""
    factor = -(-max(values.shape[:2]) // longest)
    if factor == 1:
        return values.astype(np.float64)
    height, width = (max(side // factor, 1) for side in values.shape[:2])
    tall, wide = (min(factor, side) for side in values.shape[:2])
    rows = np.empty((height, width, values.shape[2]))
    for row in range(height):
        strip = values[row * tall : (row + 1) * tall, : width * wide].astype(np.float64)
        rows[row] = strip.reshape(tall, width, wide, -1).mean(axis=(0, 2))
    return rows


def _channels_of_file(given: str | Path | bytes | Image.Image, longest: int) -> np.ndarray:
    """Decodes a path, bytes or Pillow image into grey and alpha, shape (h, w, 2) in [0, 1]."""
    if isinstance(given, str | Path):
        try:
            given = files.read_bytes(given, LARGEST_FILE)
        except ValueError as error:
            raise PictureError(str(error)) from error
    try:
        with DECODING, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Pillow's, of odd comments; the size is asked here
            return _decoded(given, longest)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError("The picture has too many pixels; make it smaller.") from error
    except Exception as error:  # whatever a decoder raises, it is this picture's fault
        raise PictureError(
            "This cannot be read as a picture; give a whole PNG, JPEG or HEIC file, a Pillow "
            "image or an array."
        ) from error


def _opened(content: bytes) -> Image.Image:
    """Opens a file; refuses one that is small enough to be read and takes minutes to decode."""
    if content.startswith(b"P") and not PPM_HEADER.match(content[:1000]):
        raise ValueError  # Pillow reads a header byte by byte, however long its comments are
    picture = Image.open(io.BytesIO(content), formats=FORMATS)
    decoders = {tile[0] for tile in picture.tile}
    slow = picture.format == "ICO" or decoders & PYTHON_DECODERS  # an ICO holds a BMP
    if slow and len(content) > LARGEST_IN_PYTHON:
        raise PictureError(
            f"{picture.format} files of more than {LARGEST_IN_PYTHON:,} bytes take too long to "
            "decode; save the picture as PNG."
        )
    scans = content.count(b"\xff\xda") if picture.format in ("JPEG", "MPO") else 1
    if picture.width * picture.height * scans > MOST_SCANNED:
        raise PictureError(f"The JPEG has {scans:,} scans, too many for its size; save it as PNG.")
    return picture


def _decoded(given: bytes | Image.Image, longest: int) -> np.ndarray:
    """Decodes a picture no larger than need be."""
    picture = given if isinstance(given, Image.Image) else _opened(given)
    pixels = picture.width * picture.height
    if pixels * BYTES_OF_MODE.get(picture.mode, 4) > LARGEST_DECODED or (
        Image.MAX_IMAGE_PIXELS and pixels > Image.MAX_IMAGE_PIXELS
    ):
        raise PictureError(
            f"The picture has {picture.width:,} × {picture.height:,} pixels; make it smaller."
        )
    if picture is not given:
        picture.draft("RGB", (longest, longest))  # JPEG: decode it smaller
    picture.load()
    orientation = picture.getexif().get(0x0112, 1)  # only now: TIFF is turned on loading
    if picture.mode[0] not in "IF":  # 16 or 32 bits have no alpha and are averaged as an array
        picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        picture.thumbnail((longest, longest), Image.Resampling.BOX)
    channels = _channels_of_array(np.asarray(picture), longest)
    return ORIENTATIONS.get(orientation, lambda array: array)(channels)
