"""Drawn slides, and the pictures of a shared screen that are made of them or of a recording."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tests.films import draw_film

from meetctl.errors import MediaError, UsageError
from meetctl.stack.participant.pictures import SlidePictures, to_i420
from meetctl.stack.participant.recording_pictures import RecordingPictures
from meetctl.stack.slides import CodeSlide, TitleSlide, demo_slides, draw_slide

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from meetctl.stack.participant.pictures import ScreenPicture


def luma(picture: ScreenPicture | None) -> npt.NDArray[np.uint8]:
    assert picture is not None
    plane = np.frombuffer(picture.data, np.uint8, count=picture.width * picture.height)
    return plane.reshape(picture.height, picture.width).copy()


@pytest.mark.parametrize("size", [(1280, 720), (640, 480), (320, 180), (480, 960)])
def test_slides_are_drawn_at_any_size_and_all_look_different(size: tuple[int, int]) -> None:
    pictures = [np.asarray(draw_slide(slide, *size), np.int16) for slide in demo_slides()]
    assert all(picture.shape == (size[1], size[0], 3) for picture in pictures)
    for index, picture in enumerate(pictures):
        # Anything that is written or drawn stands out from the slide's ground.
        assert np.abs(picture - picture[0, -1]).max() > 100
        for other in pictures[index + 1 :]:
            assert np.count_nonzero(np.abs(picture - other).max(axis=2) > 40) > 0.005 * size[0] * size[1]


def test_the_last_character_of_a_slides_text_is_within_the_picture() -> None:
    slide = CodeSlide("What is drawn", ("x" * 40,))
    picture = np.asarray(draw_slide(slide, 1280, 720).convert("L"))
    assert np.array_equal(np.unique(picture[:, -20:]), np.unique(picture[0, 0]))


def test_the_footer_names_the_slide() -> None:
    slide = TitleSlide("A", "B")
    plain = np.asarray(draw_slide(slide, 640, 360), np.int16)
    numbered = np.asarray(draw_slide(slide, 640, 360, footer="1 / 5"), np.int16)
    rows, columns = np.nonzero(np.abs(plain - numbered).max(axis=2))
    assert rows.min() > 300
    assert columns.min() > 500


def test_white_and_black_have_the_levels_of_limited_range() -> None:
    from PIL import Image

    image = Image.new("RGB", (64, 64), (255, 255, 255))
    image.paste((0, 0, 0), (0, 0, 32, 64))
    planes = np.frombuffer(to_i420(image), np.uint8)
    assert planes.size == 64 * 64 * 3 // 2
    assert set(np.unique(planes[: 64 * 64])) == {16, 235}
    assert np.all(np.abs(planes[64 * 64 :].astype(np.int16) - 128) <= 1)


def test_no_two_pictures_are_the_same_but_only_the_pointer_moves() -> None:
    slides = SlidePictures(640, 360)
    seen = [luma(slides.picture(number / 30)) for number in range(30)]
    for before, after in pairwise(seen):
        changed = np.count_nonzero(before != after)
        assert 0 < changed < 1000


def test_the_pointer_leaves_no_trace() -> None:
    slides = SlidePictures(640, 360)
    first = luma(slides.picture(1.0))
    for number in range(50):
        slides.picture(number / 7)
    assert np.array_equal(luma(slides.picture(1.0)), first)


def test_slides_are_turned_and_begin_again_after_the_last() -> None:
    slides = SlidePictures(320, 180)
    numbers = []
    for _ in range(6):
        numbers.append(slides.number)
        slides.show_next()
    assert numbers == [1, 2, 3, 4, 5, 1]
    slides.show(4)
    assert slides.number == 4


@pytest.mark.parametrize("number", [0, 6, -1])
def test_a_slide_that_is_not_there_cannot_be_shown(number: int) -> None:
    with pytest.raises(UsageError, match=rf"no slide {number}"):
        SlidePictures(320, 180).show(number)


def test_a_resized_screen_has_the_new_size_from_the_next_picture_on() -> None:
    slides = SlidePictures(640, 360)
    assert luma(slides.picture(0.0)).shape == (360, 640)
    slides.resize(800, 600)
    picture = slides.picture(0.1)
    assert (picture.width, picture.height, len(picture.data)) == (800, 600, 800 * 600 * 3 // 2)


@pytest.mark.parametrize("size", [(0, 720), (1281, 720), (1280, 721), (32, 32), (-640, 360)])
def test_a_size_that_no_picture_can_have_is_refused(size: tuple[int, int]) -> None:
    with pytest.raises(UsageError, match=rf"{size[0]}x{size[1]}"):
        SlidePictures(*size)


def test_a_recording_plays_in_the_time_that_is_asked_for(tmp_path: Path) -> None:
    pictures = RecordingPictures(draw_film(tmp_path / "film.mkv", seconds=3, fps=10))
    means = [float(luma(pictures.picture(t_s)).mean()) for t_s in (0.0, 0.5, 1.05, 2.05)]
    assert means[0] == pytest.approx(means[1], abs=2)
    assert means[1] < means[2] - 20 < means[3] - 40
    picture = pictures.picture(2.9)
    assert picture is not None
    assert (picture.width, picture.height) == (320, 240)
    assert pictures.picture(3.2) is None
    pictures.close()
    assert float(luma(pictures.picture(0.0)).mean()) == pytest.approx(means[0], abs=2)
    pictures.close()


def test_a_bundle_is_shared_by_its_directory(recordings: Path) -> None:
    pictures = RecordingPictures(recordings / "quarterly-review")
    picture = pictures.picture(0.0)
    pictures.close()
    assert picture is not None
    assert (picture.width, picture.height) == (1280, 720)


def test_what_is_no_recording_is_refused_by_name(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("no media\n")
    for path in (text, tmp_path / "missing.mkv"):
        with pytest.raises(MediaError, match=path.name):
            RecordingPictures(path).picture(0.0)
