"""Draws images that show the title of a file."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING
from unicodedata import category
from zlib import crc32

from airflow_provider_ims.emulator.media.file import MediaFile, size_of

if TYPE_CHECKING:
    from PIL import Image, ImageDraw, ImageFont

MAX_TITLE = 120
"""The maximum number of characters of the title and of the name in an image. Longer texts are truncated."""

GIF_SIDE = 480
GIF_FRAMES = 8

#: The file names of fonts with Chinese characters. Pillow searches for them in the font directories of the system.
FONTS = ("NotoSansCJK-Regular.ttc", "wqy-microhei.ttc", "wqy-zenhei.ttc", "PingFang.ttc", "msyh.ttc", "simhei.ttf")

_TOKEN = re.compile(r"\s+|[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]|[^\s\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]+")


def draw(file: MediaFile, size: tuple[int, int]) -> Image.Image:
    """Return an image with the title and the name of a file. The colour of the background depends on the name."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", size, _colour(file))
    canvas = ImageDraw.Draw(picture)
    _write(canvas, file.title[:MAX_TITLE], size, 0.1, max(8, min(size) // 9))
    _write(canvas, file.name.rpartition("/")[2][:MAX_TITLE], size, 0.8, max(6, min(size) // 24))
    return picture


def image(file: MediaFile, pillow_format: str) -> bytes:
    """
    Return an encoded still image.

    :param pillow_format: The name of the format in Pillow.
    """
    target = io.BytesIO()
    draw(file, size_of(file)).save(target, pillow_format)
    return target.getvalue()


def animation(file: MediaFile, pillow_format: str) -> bytes:
    """Return an encoded animation with a moving bar. The longest side of the image has at most ``GIF_SIDE`` pixels."""
    from PIL import ImageDraw

    width, height = size_of(file)
    scale = min(1.0, GIF_SIDE / max(width, height))
    size = (max(1, int(width * scale)), max(1, int(height * scale)))
    still = draw(file, size).quantize(32).convert("RGB")
    frames = []
    for number in range(GIF_FRAMES):
        frame = still.copy()
        left = size[0] * number // GIF_FRAMES
        bar = (left, size[1] - max(2, size[1] // 30), left + size[0] // GIF_FRAMES, size[1])
        ImageDraw.Draw(frame).rectangle(bar, "white")
        frames.append(frame)
    target = io.BytesIO()
    frames[0].save(target, pillow_format, save_all=True, append_images=frames[1:], duration=250, loop=0)
    return target.getvalue()


def _colour(file: MediaFile) -> tuple[int, int, int]:
    # The colour is dark, so that white text can be read on it.
    digest = crc32(file.name.encode(errors="replace"))
    return 24 + digest % 88, 24 + (digest >> 8) % 88, 40 + (digest >> 16) % 88


def _write(canvas: ImageDraw.ImageDraw, text: str, size: tuple[int, int], top: float, height: int) -> None:
    """
    Draw text, wrapped into lines that fit the width of the image.

    :param top: The top of the first line, as a fraction of the height of the image.
    :param height: The height of the characters in pixels.
    """
    y = size[1] * top
    for line in _lines(" ".join(text.split()), int(size[0] * 0.9), height):
        if y + height > size[1]:
            break
        x = size[0] * 0.05
        for character in line:
            _write_character(canvas, character, x, y, height)
            x += _width(character, height)
        y += height * 1.3


def _lines(text: str, limit: int, height: int) -> Iterator[str]:
    line, used = "", 0.0
    for token in _TOKEN.findall(text):
        width = sum(_width(character, height) for character in token)
        if line and used + width > limit:
            yield line
            line, used, token = "", 0.0, token.strip()
            width = sum(_width(character, height) for character in token)
        line, used = line + token, used + width
    yield line


def _write_character(canvas: ImageDraw.ImageDraw, character: str, x: float, y: float, height: int) -> None:
    if _has(character, height):
        canvas.text((x, y), character, "white", _font(height))
        return
    # Draw a box with the code point, as browsers do.
    side = height * 0.9
    canvas.rectangle((x, y, x + side, y + height), outline="white")
    code = f"{ord(character):04X}"
    for number, digits in enumerate((code[:-2], code[-2:])):
        canvas.text((x + side * 0.12, y + number * height * 0.48), digits, "white", _font(max(4, int(height * 0.45))))


@lru_cache(maxsize=4_096)
def _width(character: str, height: int) -> float:
    return _font(height).getlength(character) if _has(character, height) else float(height)


@lru_cache(maxsize=4_096)
def _has(character: str, height: int) -> bool:
    """Return whether the font contains a character."""
    if category(character) in ("Cc", "Cs"):
        # With some fonts, Pillow cannot draw control characters and surrogates.
        return False
    font = _font(height)
    # Pillow draws all missing characters as the same box. No font contains U+FFFF, so U+FFFF is drawn as this box.
    masks = [font.getmask(one) for one in (character, "\uffff")]
    return character.isspace() or bytes(masks[0]) != bytes(masks[1])


@lru_cache(maxsize=64)
def _font(height: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    from PIL import ImageFont

    for name in FONTS:
        try:
            return ImageFont.truetype(name, height)
        except OSError:
            continue
    return ImageFont.load_default(height)
