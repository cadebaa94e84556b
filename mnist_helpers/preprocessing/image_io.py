"""Picture files, Pillow images and arrays, read as grey values in [0, 1]."""

import io
import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

Picture = str | Path | bytes | Image.Image | np.ndarray

# Larger pictures are averaged down to this longer side: ample for a digit of 20 pixels.
WORKING_SIDE = 400
SMALLEST_SIDE = 5  # pixels; fewer cannot show a digit


class PictureError(ValueError):
    """A picture in which no digit can be found; the message is for the person who gave it."""


def read_grey(image: Picture) -> np.ndarray:
    """Reads a picture as grey values, averaged down where it is large.

    Transparent parts become white under dark ink and black under light ink.

    Args:
        image: As for `images.to_mnist`.

    Returns:
        float64 array of shape (h, w), values in [0, 1], no side over 400.

    Raises:
        PictureError: It cannot be decoded, is tiny, or holds values that are no grey values.
    """
    if isinstance(image, np.ndarray):
        channels = _channels_of_array(image)
    else:
        channels = _channels_of_picture(image)
    height, width = channels.shape[:2]
    if max(height, width) < SMALLEST_SIDE or min(height, width) < 2:
        raise PictureError(
            f"The picture has {width} × {height} pixels; a digit needs at least "
            f"{SMALLEST_SIDE} one way and 2 the other."
        )
    *colours, alpha = np.moveaxis(channels, 2, 0)
    grey = colours[0]
    if alpha.min() < 1:
        paper = 0.0 if np.average(grey, weights=alpha + 1e-6) > 0.5 else 1.0
        grey = alpha * grey + (1 - alpha) * paper
    return grey


def _channels_of_array(array: np.ndarray) -> np.ndarray:
    """Returns grey and alpha as float64 of shape (h, w, 2) in [0, 1]."""
    depth = array.shape[-1] if array.ndim == 3 else 1
    if array.ndim not in (2, 3) or depth not in (1, 2, 3, 4) or array.dtype.kind not in "buif":
        raise PictureError(
            "One picture is an array of numbers of shape (height, width), or with 1 to 4 "
            f"channels behind; this is {array.dtype} of shape {array.shape}."
        )
    if array.size == 0:
        raise PictureError("The picture has no pixels.")
    values = array.reshape(*array.shape[:2], depth).astype(np.float64)
    if not np.isfinite(values).all():
        raise PictureError("The picture holds values that are not finite numbers.")
    if values.min() < 0:
        raise PictureError(f"Grey values are not negative, but the picture holds {values.min():g}.")
    values /= _full_scale(array.dtype, values.max())
    alpha = values[..., -1] if depth in (2, 4) else np.ones(values.shape[:2])
    weights = (0.299, 0.587, 0.114) if depth > 2 else (1.0,)  # ITU-R 601-2, as Pillow has it
    grey = values[..., : len(weights)] @ np.array(weights)
    factor = -(-max(grey.shape) // WORKING_SIDE)
    channels = np.stack([grey, alpha], axis=2)
    return _reduced(channels, factor) if factor > 1 else channels


def _full_scale(dtype: np.dtype, largest: float) -> int:
    """Returns the value that stands for white."""
    scales = {"b": (1,), "f": (1, 16, 255)}.get(dtype.kind, (255, 65535))
    if dtype == np.uint16:
        scales = (65535,)
    for scale in scales:
        if largest <= scale:
            return scale
    raise PictureError(f"Grey values reach to {scales[-1]:,}, but the picture holds {largest:g}.")


def _reduced(channels: np.ndarray, factor: int) -> np.ndarray:
    """Averages squares of `factor` pixels; what is left over at the end is dropped."""
    height, width = (max(side // factor, 1) for side in channels.shape[:2])
    whole = channels[: height * factor, : width * factor]
    vertical, horizontal = len(whole) // height, whole.shape[1] // width
    return whole.reshape(height, vertical, width, horizontal, -1).mean(axis=(1, 3))


def _channels_of_picture(image: str | Path | bytes | Image.Image) -> np.ndarray:
    """Decodes a path, bytes or Pillow image into grey and alpha, shape (h, w, 2) in [0, 1]."""
    if isinstance(image, str | Path):
        image = Path(image).read_bytes()
    picture = _opened(image)
    if picture.mode[0] in "IF":  # 16 or 32 bits
        return _channels_of_array(np.asarray(picture))
    picture = ImageOps.exif_transpose(picture).convert("RGBA")
    picture.thumbnail((WORKING_SIDE, WORKING_SIDE), Image.Resampling.BOX)
    return _channels_of_array(np.asarray(picture))


def _opened(image: bytes | Image.Image) -> Image.Image:
    """Decodes bytes; a picture that would fill the memory is refused by Pillow's own limit."""
    if isinstance(image, Image.Image):
        return image
    try:
        with warnings.catch_warnings():
            # Pillow warns of what is too large, and refuses only twice as much.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(image))
            picture.draft("RGB", (2 * WORKING_SIDE, 2 * WORKING_SIDE))  # JPEG: decode it smaller
            picture.load()
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        raise PictureError(
            f"The picture has more than {Image.MAX_IMAGE_PIXELS:,} pixels; make it smaller."
        ) from error
    except (OSError, SyntaxError, ValueError, TypeError) as error:
        raise PictureError(
            "This cannot be read as a picture; give a whole PNG or JPEG file, a Pillow image or "
            "an array."
        ) from error
    return picture
