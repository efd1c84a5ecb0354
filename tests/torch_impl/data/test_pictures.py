"""``torch_impl.data.pictures``: a picture is read as a person sees it, whatever kind of file it is in, or refused."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms

from torch_impl.data import DataError, as_floats
from torch_impl.data.folders import PictureFiles
from torch_impl.data.pictures import FORMATS, is_picture, read_picture, read_pictures
from torch_impl.predict import Description, load_image

SIZE = 8

LEFT = np.zeros((SIZE, SIZE), bool)  # the half of a picture that is drawn on; the other is the page
LEFT[:, : SIZE // 2] = True


def halves(left: object, right: object, dtype: object = np.uint8) -> np.ndarray:
    """A picture of two colours. Shape: (SIZE, SIZE) or (SIZE, SIZE, channels)."""
    shape = (...,) + (None,) * np.ndim(left)  # type: ignore[arg-type]
    return np.where(LEFT[shape], np.asarray(left, dtype), np.asarray(right, dtype))


def palette(transparency: object = None) -> Image.Image:
    """Two colours by number, black and red."""
    image = Image.fromarray(halves(0, 1), "L").convert("P")
    image.putpalette([0, 0, 0, 255, 0, 0])
    if transparency is not None:
        image.info["transparency"] = transparency
    return image


BLACK, WHITE, RED = (0, 0, 0), (255, 255, 255), (255, 0, 0)

# What is saved, how, and what is seen on the left and on the right.
KINDS = {
    "grey": (lambda: Image.fromarray(halves(0, 77)), "png", {}, BLACK, (77, 77, 77)),
    "one bit": (lambda: Image.fromarray(LEFT), "png", {}, WHITE, BLACK),
    "colours": (lambda: Image.fromarray(halves(RED, (1, 2, 3))), "bmp", {}, RED, (1, 2, 3)),
    "a transparent page": (lambda: Image.fromarray(halves((0, 0, 0, 255), (0, 0, 0, 0))), "png", {}, BLACK, WHITE),
    "a half transparent page": (
        lambda: Image.fromarray(halves((255, 0, 0, 255), (0, 0, 0, 51))),
        *("webp", {"lossless": True}, RED, (204, 204, 204)),
    ),
    "grey with alpha": (lambda: Image.fromarray(halves((0, 255), (0, 0)), "LA"), "png", {}, BLACK, WHITE),
    "a grey that is transparent": (
        lambda: Image.fromarray(halves(40, 90)),
        *("png", {"transparency": 90}, (40, 40, 40), WHITE),
    ),
    "a colour that is transparent": (
        lambda: Image.fromarray(halves(RED, (1, 2, 3))),
        *("png", {"transparency": (1, 2, 3)}, RED, WHITE),
    ),
    "a palette": (palette, "png", {}, BLACK, RED),
    "a palette with a transparent colour": (lambda: palette(1), "gif", {}, BLACK, WHITE),
    "a palette with alpha": (lambda: palette(bytes([0, 255])), "png", {}, WHITE, RED),
    "16 bits": (lambda: Image.fromarray(halves(25_700, 65_535, np.uint16)), "png", {}, (100, 100, 100), WHITE),
    "16 bits, big end first": (lambda: Image.fromarray(halves(300, 65_535, ">u2")), "tiff", {}, (1, 1, 1), WHITE),
    "16 bits, 0 is white": (
        lambda: Image.fromarray(halves(25_700, 65_535, np.uint16)),
        *("tiff", {"tiffinfo": {262: 0}}, (155, 155, 155), BLACK),
    ),
    "16 bits, one grey transparent": (
        lambda: Image.fromarray(halves(25_700, 514, np.uint16)),
        *("png", {"transparency": 514}, (100, 100, 100), WHITE),
    ),
    "16 bits in 32": (lambda: Image.fromarray(halves(0, 65_535, np.int32)), "pgm", {}, BLACK, WHITE),
    "floats": (lambda: Image.fromarray(halves(0.2, 1, np.float32)), "tiff", {}, (51, 51, 51), WHITE),
    "ink": (lambda: Image.fromarray(halves((0, 255, 255, 0), (0, 0, 0, 204)), "CMYK"), "tiff", {}, RED, (51, 51, 51)),
    "an animation": (
        lambda: Image.fromarray(halves(0, 255)),
        *("gif", {"save_all": True, "append_images": [Image.new("L", (SIZE, SIZE), 99)]}, BLACK, WHITE),
    ),
    "an animated PNG": (
        lambda: Image.fromarray(halves(RED, WHITE)),
        *("png", {"save_all": True, "append_images": [Image.new("RGB", (SIZE, SIZE), 99)]}, RED, WHITE),
    ),
}


@pytest.mark.parametrize(("draw", "suffix", "how", "left", "right"), KINDS.values(), ids=KINDS)
def test_each_kind_of_picture_is_read_as_it_is_seen(
    draw: Callable[[], Image.Image], suffix: str, how: dict, left: tuple, right: tuple, tmp_path: Path
) -> None:
    path = tmp_path / f"picture.{suffix}"
    draw().save(path, **how)
    expected = torch.from_numpy(halves(left, right)).permute(2, 0, 1)
    assert torch.equal(read_picture(path, SIZE), expected)
    grey = read_picture(path, SIZE, "L")
    theirs = np.asarray(Image.fromarray(halves(left, right)).convert("L"))
    assert grey.shape == (1, SIZE, SIZE) and np.array_equal(grey[0], theirs)
    description = Description("a network", "a folder", (3, SIZE, SIZE), (0.0,) * 3, (1.0,) * 3, ("cat", "dog"))
    sample, label = PictureFiles([(path, 1)], SIZE)[0]  # in training
    assert label == 1 and torch.equal(as_floats(sample), load_image(path, description))  # and in use
    assert torch.equal(as_floats(sample), transforms.functional.to_tensor(Image.fromarray(halves(left, right))))


# How the rows of an upright picture lie in a file of each EXIF orientation.
HELD: dict[int, Callable[[np.ndarray], np.ndarray]] = {
    1: lambda upright: upright,
    2: np.fliplr,
    3: lambda upright: np.rot90(upright, 2),
    4: np.flipud,
    5: np.transpose,
    6: np.rot90,
    7: lambda upright: np.rot90(upright, 2).T,
    8: lambda upright: np.rot90(upright, -1),
}


@pytest.mark.parametrize("orientation", HELD)
@pytest.mark.parametrize("suffix", ["jpg", "png", "tiff"])
def test_a_picture_is_turned_as_the_camera_was_held(suffix: str, orientation: int, tmp_path: Path) -> None:
    upright = np.full((24, 16), 255, np.uint8)
    upright[:8, :8] = 0  # black in the top left corner alone
    held = Image.fromarray(np.ascontiguousarray(HELD[orientation](upright)))
    exif = Image.Exif()
    exif[274] = orientation
    held.save(tmp_path / f"photo.{suffix}", exif=exif)
    found = read_picture(tmp_path / f"photo.{suffix}", 16, "L")[0]
    np.testing.assert_allclose(found, upright[4:20], atol=3)  # the middle


@pytest.mark.parametrize(
    "exif", [b"garbage", b"Exif\0\0II*\0", b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0MM\0*\0\0\0\x08\0\x09"]
)
@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_damaged_exif_turns_nothing_and_says_nothing(suffix: str, exif: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"photo.{suffix}"
    Image.fromarray(halves(0, 255)).save(path, exif=exif)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_picture(path, SIZE, "L")[0, 0].tolist() == pytest.approx([0] * 4 + [255] * 4, abs=40)


def profile(space: bytes) -> bytes:
    """A profile (ICC, version 2) of colours with sRGB's primaries, or of greys, whose numbers are the light itself."""

    def point(*xyz: int) -> bytes:
        return b"XYZ " + struct.pack(">4x3i", *xyz)

    light = b"curv" + bytes(8)
    tags = {b"wtpt": point(63190, 65536, 54061), b"kTRC": light}
    if space == b"RGB ":
        tags |= {
            b"rXYZ": point(28578, 14581, 912),
            b"gXYZ": point(25240, 46981, 6363),
            b"bXYZ": point(9376, 3972, 46797),
        }
        tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), light)
    start, table, data = 128 + 4 + 12 * len(tags), b"", b""
    for name, value in tags.items():
        table += name + struct.pack(">II", start + len(data), len(value))
        data += value
    illuminant = struct.pack(">3i", 63190, 65536, 54061)
    head = struct.pack(">I4xI", start + len(data), 0x02400000) + b"mntr" + space + b"XYZ " + bytes(12) + b"acsp"
    return (head.ljust(68, b"\0") + illuminant).ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + data


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [*((mode, "png") for mode in ("RGB", "RGBA", "P", "L", "LA")), ("RGBA", "webp"), ("RGB", "jpg"), ("L", "jpg")],
)
def test_colours_are_those_of_the_profile(mode: str, suffix: str, tmp_path: Path) -> None:
    """Half of the light is 188 in sRGB. A profile of another kind of picture, or no whole one, changes nothing."""
    image = Image.new("RGB", (SIZE, SIZE), (128, 128, 128))
    image = image.quantize() if mode == "P" else image.convert(mode)
    if mode.endswith("A"):
        image.putalpha(Image.fromarray(halves(255, 0)))
    own, other = (b"GRAY", b"RGB ") if mode in ("L", "LA") else (b"RGB ", b"GRAY")
    for icc, seen in ((profile(own), 188), (profile(other), 128), (profile(own)[:150], 128), (b"none", 128)):
        image.save(tmp_path / f"photo.{suffix}", icc_profile=icc, quality=100)
        for each in ("RGB", "L"):
            found = read_picture(tmp_path / f"photo.{suffix}", SIZE, each).float()
            assert (found[:, :, :4] - seen).abs().max() <= 1
            assert (found[:, :, 4:] - (255 if mode.endswith("A") else seen)).abs().max() <= 1


def test_a_large_photo_is_decoded_no_larger_than_needed_and_looks_the_same(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:1200, 0:1600]
    waves = np.stack([columns / 6.4, rows / 4.8, 127 + 127 * np.sin(rows / 90) * np.sin(columns / 70)], axis=2)
    Image.fromarray(waves.astype(np.uint8)).save(tmp_path / "photo.jpg", quality=95)
    with Image.open(tmp_path / "photo.jpg") as whole:
        theirs = transforms.Compose([transforms.Resize(64), transforms.CenterCrop(64), transforms.PILToTensor()])(whole)
    assert (read_picture(tmp_path / "photo.jpg", 64).int() - theirs).abs().max() <= 3


def png_header(width: int, height: int) -> bytes:
    """A PNG file that says how large it is, and holds nothing."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    parts = (header, b"IDAT" + zlib.compress(b""), b"IEND")
    chunks = [struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in parts]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def tiff(values: np.ndarray) -> bytes:
    content = io.BytesIO()
    Image.fromarray(values).save(content, "tiff")
    return content.getvalue()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "it is damaged, or of another kind"),
        (b"text", "it is damaged, or of another kind"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "it is damaged, or of another kind"),
        (png_header(8, 8), "truncated"),
        (png_header(9500, 9500), "it has 9,500×9,500 pixels, too large or too long"),
        (png_header(100_000, 100_000), "it has more than 89,000,000 pixels"),
        (png_header(1, 700_000), "it has 1×700,000 pixels, too large or too long"),
        (tiff(halves(0, 70_000, np.int32)), "its pixels are not in 0 … 65,535"),
        (tiff(halves(-1, 0, np.int32)), "its pixels are not in 0 … 65,535"),
        (tiff(halves(0, 1.5, np.float32)), "its pixels are not in 0 … 1: save it with 8 or 16 bits"),
        (tiff(halves(0, np.nan, np.float32)), "its pixels are not in 0 … 1"),
    ],
    ids=lambda value: value[-30:] if isinstance(value, str) else "",
)
def test_what_cannot_be_seen_is_refused_in_one_sentence(content: bytes, reason: str, tmp_path: Path) -> None:
    (tmp_path / "picture.png").write_bytes(content)
    with pytest.raises(DataError, match=reason) as raised:
        read_picture(tmp_path / "picture.png", 28)
    message = str(raised.value)
    assert (
        message.startswith(f"cannot read {tmp_path / 'picture.png'} as a picture (AVIF, BMP, ") and "\n" not in message
    )
    for path, why in ((tmp_path / "none.png", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(DataError, match=why):
            read_picture(path, 28)


@pytest.mark.parametrize("format", FORMATS)
def test_a_truncated_file_of_each_format_is_refused(format: str, tmp_path: Path) -> None:
    content = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(content, format)
    (tmp_path / "whole").write_bytes(content.getvalue())
    (tmp_path / "cut").write_bytes(content.getvalue()[: -content.tell() // 4])
    whole, cut = read_pictures([tmp_path / "whole", tmp_path / "cut"], SIZE)
    assert isinstance(whole, torch.Tensor) and isinstance(cut, str)


def test_a_name_tells_whether_it_is_a_picture() -> None:
    pictures = ["a.png", "a.JPG", "a.jpeg", "a.gif", "a.tif", "a.webp", "a.avif", "a.jp2", "a.pgm", "a.heic", "a.svg"]
    assert all(is_picture(name) for name in pictures)
    assert not any(
        is_picture(name) for name in ("Thumbs.db", "a.txt", "labels.csv", "a", "a.pdf", "a.eps", "a.png.zip")
    )
