"""The pictures that a model is sent."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image
from tests.live_media import draw_frame

from meetctl.adapters.recorder_av.jpeg import AvFrameEncoder
from meetctl.domain.live_media import LiveFrame


def plain_frame(y: int, cb: int, cr: int, width: int = 64, height: int = 48) -> LiveFrame:
    chroma = (width + 1) // 2 * ((height + 1) // 2)
    data = bytes([y]) * (width * height) + bytes([cb]) * chroma + bytes([cr]) * chroma
    return LiveFrame(t_us=0, width=width, height=height, data=data)


def open_jpeg(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize(
    ("sample", "colour"),
    # BT.601, limited range: ITU-R BT.601-7, section 2.5.
    [
        ((16, 128, 128), (0, 0, 0)),
        ((235, 128, 128), (255, 255, 255)),
        ((126, 128, 128), (128, 128, 128)),
        ((81, 90, 240), (255, 0, 0)),
        ((145, 54, 34), (0, 255, 0)),
        ((41, 240, 110), (0, 0, 255)),
    ],
)
def test_colours_have_the_full_range(sample: tuple[int, int, int], colour: tuple[int, int, int]) -> None:
    image = open_jpeg(AvFrameEncoder().jpeg(plain_frame(*sample), 64, 48)).convert("RGB")
    pixel = image.getpixel((20, 20))
    assert isinstance(pixel, tuple)
    assert max(abs(a - b) for a, b in zip(pixel, colour, strict=True)) <= 3


def test_it_is_plain_jfif_with_square_pixels() -> None:
    data = AvFrameEncoder().jpeg(draw_frame(0), 320, 180)
    image = open_jpeg(data)
    assert data[:4] == b"\xff\xd8\xff\xe0"
    assert (image.format, image.mode, image.info["jfif_density"]) == ("JPEG", "RGB", (1, 1))
    assert b"Lavc" not in data


@pytest.mark.parametrize("source", [(320, 180), (321, 181), (3, 5), (1, 1)])
@pytest.mark.parametrize("target", [(320, 180), (160, 90), (161, 91), (1, 1), (641, 361)])
def test_it_has_exactly_the_size_that_was_asked_for(source: tuple[int, int], target: tuple[int, int]) -> None:
    image = open_jpeg(AvFrameEncoder().jpeg(plain_frame(126, 128, 128, *source), *target))
    assert image.size == target
    assert np.abs(np.asarray(image.convert("L")).astype(int) - 128).max() <= 2


def test_the_picture_is_the_frame_s() -> None:
    frame = draw_frame(0, 641, 361, number=3)
    image = open_jpeg(AvFrameEncoder().jpeg(frame, 641, 361)).convert("L")
    sent = np.frombuffer(frame.data, np.uint8)[: 641 * 361].reshape(361, 641).astype(float)
    error = np.clip((sent - 16) * 255 / 219, 0, 255) - np.asarray(image)
    assert np.sqrt((error**2).mean()) < 12


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_bytes_of_any_kind_are_taken_and_not_changed(kind: type) -> None:
    frame = draw_frame(0)
    before = bytes(frame.data)
    data = kind(frame.data)
    assert AvFrameEncoder().jpeg(replace(frame, data=data), 160, 90) == AvFrameEncoder().jpeg(frame, 160, 90)
    assert bytes(data) == before


def test_a_frame_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(ValueError, match="320x180 in I420 are 86400 bytes, not 86399"):
        AvFrameEncoder().jpeg(replace(draw_frame(0), data=draw_frame(0).data[:-1]), 320, 180)


def test_threads_may_share_one_encoder() -> None:
    encoder = AvFrameEncoder()
    frames = [draw_frame(0, 320 + n, 180, number=n) for n in range(8)]
    expected = [encoder.jpeg(frame, 200, 100) for frame in frames]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda frame: encoder.jpeg(frame, 200, 100), frames)) == expected
