"""One picture from its file, as a person sees it: the only place where pictures are read.

A folder's pictures (``folders.py``) and those that ``predict`` is given come through :func:`read_picture`, so a network
sees in use what it saw in training.
"""

from __future__ import annotations

import io
import mimetypes
import os
import struct
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow
from PIL import ImageCms, ImageOps, UnidentifiedImageError, features
from PIL.Image import Image
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION
from torch import Tensor

from torch_impl.data.errors import DataError, in_one_line

__all__ = ["FORMATS", "is_picture", "read_picture", "read_pictures"]

# Of Pillow's formats those that people keep pictures in. Others run programs, as PostScript does, or fit any bytes.
FORMATS = ("AVIF", "BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")

MOST_PIXELS_READ = 89_000_000  # about as many as Pillow reads without a warning

WITHOUT_ALPHA = {"1": "L", "LA": "L", "P": "RGB", "PA": "RGB", "RGBA": "RGB"}  # Pillow's modes

KINDS = mimetypes.MimeTypes()  # what Python knows, not what this machine adds

MOST_THREADS = 16  # each may hold a picture of the largest size

AT_ONCE = 1024  # pictures that threads are given, so that those of a large folder do not wait in memory


def is_picture(name: str) -> bool:
    """Whether a file of this name is a picture by its suffix, also of a kind that cannot be read, such as .heic."""
    guessed, _ = KINDS.guess_type(name, strict=False)
    Pillow.init()
    return (guessed or "").startswith("image/") or Pillow.EXTENSION.get(Path(name).suffix.lower()) in FORMATS


def read_picture(path: str | Path, size: int, mode: str = "RGB") -> Tensor:
    """The picture in a file, as a person sees it.

    Turned as the camera was held (EXIF), its colours those of its profile (ICC), what is transparent shows a white
    page, 16 bits are scaled to 8, of an animation the first picture. Then its shorter side is brought to ``size`` and
    its middle square is taken.

    Args:
        path: a file in one of :data:`FORMATS`.
        size: height and width of the result, in pixels.
        mode: "RGB", or "L" for grey.

    Returns:
        (C, size, size) uint8, C = 3 or 1.

    Raises:
        DataError: it cannot be read, or it is too large: it, or what it would become, has more than
            :data:`MOST_PIXELS_READ` pixels (one of 1×700,000 would become 28×19,600,000).
    """
    (picture,) = read_pictures([path], size, mode)
    if isinstance(picture, str):
        raise DataError(f"cannot read {path} as a picture ({', '.join(FORMATS)}): {picture}")
    return picture


def read_pictures(paths: Sequence[str | Path], size: int, mode: str = "RGB") -> Iterator[Tensor | str]:
    """For each path in its order what :func:`read_picture` returns, or why it raises; by as many threads as help.

    What Pillow only warns of, such as damaged EXIF, is not printed: the pixels are there.
    """
    read = partial(read_or_tell, size=size, mode=mode)
    with warnings.catch_warnings():  # for all threads
        warnings.simplefilter("ignore")
        if len(paths) == 1:
            yield read(paths[0])
            return
        count = min(MOST_THREADS, os.cpu_count() or 1)
        with ThreadPoolExecutor(count) as threads:  # Pillow lets others run while it decodes
            for start in range(0, len(paths), AT_ONCE):
                yield from threads.map(read, paths[start : start + AT_ONCE])


def read_or_tell(path: str | Path, size: int, mode: str) -> Tensor | str:
    """The picture, or why there is none."""
    if os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path):
        return "it is a device or a pipe, not a file"
    try:
        # Not by its name: Pillow 13 maps an uncompressed TIFF into memory and forgets there how it is turned.
        with open(path, "rb") as file, Pillow.open(file, formats=FORMATS) as image:
            width, height = image.size
            becomes = size * size * max(width, height) // max(1, min(width, height))
            if max(width * height, becomes) > MOST_PIXELS_READ:
                return f"it has {width:,}×{height:,} pixels, too large or too long: cut it"
            image.draft(None, (2 * size, 2 * size))  # a JPEG is decoded no larger than needed
            return square(as_seen(image).convert(mode), size)
    except Pillow.DecompressionBombError:
        return f"it has more than {MOST_PIXELS_READ:,} pixels, too large: cut it"
    except UnidentifiedImageError:
        return "it is damaged, or of another kind"
    except MemoryError:
        raise
    except Exception as error:  # damaged files raise anything
        strerror = error.strerror if isinstance(error, OSError) else None
        return strerror or in_one_line(error)


def as_seen(image: Image) -> Image:
    """The picture as it is shown on a white page, with 8 bits a channel.

    Raises:
        OSError: it ends too early, or is damaged.
        ValueError: the range of its numbers is not known.
    """
    image.load()
    with suppress(SyntaxError, TypeError, ValueError, struct.error):  # of damaged EXIF; the pixels are whole
        ImageOps.exif_transpose(image, in_place=True)
    if image.mode.startswith("I") or image.mode == "F":
        return with_8_bits(image)
    image = in_srgb(image)
    if image.has_transparency_data:
        colours = image.convert("RGBA")
        return Pillow.alpha_composite(Pillow.new("RGBA", colours.size, "white"), colours).convert("RGB")
    return image


def in_srgb(image: Image) -> Image:
    """The picture in sRGB, the colours of screens, if its profile is of others. A damaged profile changes nothing."""
    profile = image.info.get("icc_profile")
    if not profile or not features.check("littlecms2"):
        return image
    with suppress(ImageCms.PyCMSError, OSError, TypeError, ValueError):  # damaged, or of another kind of picture
        theirs = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        if (theirs.profile.profile_description or "").startswith("sRGB"):
            return image  # as most do, which would be rounded once more
        plain = image.convert(WITHOUT_ALPHA.get(image.mode, image.mode))
        seen = ImageCms.profileToProfile(plain, theirs, ImageCms.createProfile("sRGB"), outputMode="RGB")
        assert seen is not None  # it is None only if the picture itself is changed
        if image.has_transparency_data:
            seen.putalpha(image.convert("RGBA").getchannel("A"))
        return seen
    return image


def with_8_bits(image: Image) -> Image:
    """A grey picture of integers 0 … 65,535 or of floats 0 … 1, scaled to 0 … 255.

    Raises:
        ValueError: a number is outside of that.
    """
    values: NDArray[Any] = np.asarray(image)  # (H, W)
    white = 1 if image.mode == "F" else 65_535
    if not (values.min() >= 0 and values.max() <= white):  # NaN is neither
        raise ValueError(f"its pixels are not in 0 … {white:,}: save it with 8 or 16 bits a channel")
    levels = np.rint(values * (255 / white))
    if "transparency" in image.info:
        levels[values == image.info["transparency"]] = 255  # the page
    if getattr(image, "tag_v2", {}).get(PHOTOMETRIC_INTERPRETATION) == 0:  # a TIFF whose 0 is white
        levels = 255 - levels
    return Pillow.fromarray(levels.astype(np.uint8))


def square(image: Image, size: int) -> Tensor:
    """The middle square, its side brought to ``size``. Shape: (C, size, size), uint8."""
    from torchvision.transforms import functional as F  # imported where it is needed: it takes a second

    return F.pil_to_tensor(F.center_crop(F.resize(image, size), [size, size])).contiguous()
