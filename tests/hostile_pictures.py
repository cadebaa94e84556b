"""Picture files that are damaged, or small on disk and huge in memory."""

import functools
import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image, ImageDraw, PngImagePlugin

from mnist_helpers.preprocessing import PictureError, to_mnist

# Format, mode and options of the pictures that are damaged.
KINDS = [
    *(("PNG", mode, {}) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
    *(("TIFF", mode, {"compression": how}) for mode in ("L", "RGB", "F", "CMYK")
      for how in (None, "tiff_deflate", "tiff_lzw")),
    ("JPEG", "L", {}), ("JPEG", "RGB", {"progressive": True}), ("JPEG", "CMYK", {}),
    ("WEBP", "RGB", {}), ("WEBP", "RGBA", {"lossless": True}), ("GIF", "P", {}), ("BMP", "RGB", {}),
    ("PPM", "L", {}), ("JPEG2000", "RGB", {}), ("HEIF", "RGB", {}), ("AVIF", "RGB", {}),
    ("ICO", "RGBA", {}), ("DDS", "RGB", {}), ("BLP", "P", {}), ("TGA", "RGB", {}), ("PCX", "L", {}),
]  # fmt: skip


def seven(side: int = 60, mode: str = "L") -> Image.Image:
    """Draws a digit, black on white."""
    picture = Image.new("L", (side, side), 255)
    points = [(0.3 * side, 0.2 * side), (0.7 * side, 0.2 * side), (0.45 * side, 0.8 * side)]
    ImageDraw.Draw(picture).line(points, fill=0, width=side // 10)
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture).astype("u2") * 257)
    return picture.convert("RGB").convert(mode)


def saved(picture: Image.Image, kind: str, **options) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


@functools.cache
def whole(number: int) -> bytes:
    """Returns the undamaged picture of a kind, with EXIF where the format has it."""
    kind, mode, options = KINDS[number]
    exif = Image.Exif()
    exif[0x0112] = number % 8 + 1
    if kind in ("PNG", "JPEG", "WEBP", "TIFF", "HEIF", "AVIF"):
        options = options | {"exif": exif}
    return saved(seven(mode=mode), kind, **options)


def damaged(seed: int) -> bytes:
    """Returns a picture with changed, missing or foreign bytes, mostly near its beginning."""
    chance = random.Random(seed)
    content = bytearray(whole(chance.randrange(len(KINDS))))
    for _ in range(chance.choice([1, 1, 1, 2, 10])):
        end = min(chance.choice([100, len(content), len(content)]), len(content))
        place, kind = chance.randrange(end), chance.random()
        if kind < 0.7:
            content[place] = chance.choice([0, 255, 128, chance.randrange(256)])
        elif kind < 0.8:
            content[place : place + chance.randrange(1, 9)] = b""
        elif kind < 0.9:
            content[place:place] = chance.randbytes(chance.randrange(1, 9))
        else:
            content[place : place + 4] = struct.pack(">I", chance.choice([2**32 - 1, 2**31, 65536]))
        if len(content) < 20:
            break
    return bytes(content[: chance.choice([*[None] * 9, len(content) // 2])])


def read(given: int | bytes) -> str:
    """Says whether a picture, or the damaged one of a seed, is read or refused in a sentence."""
    try:
        image = to_mnist(damaged(given) if isinstance(given, int) else given)
    except PictureError as error:
        assert str(error).endswith(".") and "\n" not in str(error), error
        return "refused"
    assert image.shape == (28, 28, 1) and np.isfinite(image).all()
    return "read"


def huge() -> Iterator[tuple[str, bytes]]:
    """Yields pictures that are small on disk and large in memory, or slow to decode.

    Those that are made quickly come first.
    """
    for width in (9_500, 14_000, 60_000, 2**31 - 1):
        yield f"a header of {width} pixels", promising(width)
    comment = PngImagePlugin.PngInfo()
    comment.add_text("comment", "x" * 80_000_000, zip=True)
    yield "a bomb in its comment", saved(seven(), "PNG", pnginfo=comment)
    many = chunk(b"tEXt", b"a\0b") * 300_000
    yield "many chunks", saved(seven(), "PNG").replace(b"\0\0\0\0IEND", many + b"\0\0\0\0IEND")
    wide = np.zeros((9_400, 9_400), np.uint16)
    wide[2000:7000, 4000:4800] = 65_535
    yield "16 bits", saved(Image.fromarray(wide), "PNG", compress_level=1)
    floats = Image.fromarray((wide / 65_535).astype(np.float32))
    yield "floats", saved(floats, "TIFF", compression="tiff_deflate")
    grey = Image.fromarray((wide >> 8).astype(np.uint8))
    for kind in ("JPEG", "GIF", "PNG", "BMP"):
        yield f"large {kind}", saved(grey, kind)
    yield "large colour JPEG", saved(grey.convert("RGB"), "JPEG", progressive=True)
    yield "large transparency", saved(grey.convert("LA"), "PNG", compress_level=1)
    yield "large WEBP", saved(grey, "WEBP", method=0)
    smaller = grey.resize((4_000, 4_000))  # these are slow to make
    yield "large HEIF", saved(smaller, "HEIF")
    yield "large JPEG 2000", saved(smaller, "JPEG2000")
    frames = [Image.new("L", (2_000, 2_000), shade) for shade in range(100)]
    more = {"save_all": True, "append_images": frames[1:]}
    yield "100 frames", saved(frames[0], "GIF", **more)
    yield "100 pages", saved(frames[0], "TIFF", compression="tiff_deflate", **more)


def slow() -> Iterator[tuple[bytes, str]]:
    """Yields pictures of a few megabytes that would take minutes to decode, and what is said."""
    jpeg = saved(seven(1_000), "JPEG", progressive=True)
    last = jpeg.rindex(b"\xff\xda")
    yield jpeg[:last] + jpeg[last:-2] * 2_000, "JPEG has 2,005 scans, too many for its size"
    yield b"P5 254 254 254\n" + bytes(5_000_000), "PPM files .* too long"
    yield b"P1 2100 2100\n" + b"1" * 4_410_000, "PPM files .* too long"
    commented = b"P5 #" + b"x" * 5_000_000 + b"\n60 60 255\n"
    yield commented + bytes(3_600), "cannot be read"
    header = struct.pack(
        "<IHHIIiiHHIIiiII", 5_000_054, 0, 0, 54, 40, 2_000, 2_000, 1, 8, 1, 0, 1, 1, 0, 0
    )
    # Run-length encoded, in runs of 1.
    yield b"BM" + header + b"\1\0" * 2_500_000, "BMP files .* too long"
    yield saved(seven(), "ICO") + bytes(5_000_000), "ICO files .* too long"


def chunk(kind: bytes, content: bytes) -> bytes:
    checksum = struct.pack(">I", zlib.crc32(kind + content))
    return struct.pack(">I", len(content)) + kind + content + checksum


def promising(side: int) -> bytes:
    """A PNG of a few hundred bytes whose header promises so many pixels."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(100_000))
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")
    )
