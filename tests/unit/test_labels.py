from __future__ import annotations

from meetctl.domain.labels import label_frames


def test_labels_name_the_first_the_last_and_number_those_between() -> None:
    labels = label_frames([4, 3, 2, 1, 0])
    assert [label.partition(",")[0] for label in labels] == [
        "first visible frame",
        "frame 2 of 5",
        "frame 3 of 5",
        "frame 4 of 5",
        "most recent frame",
    ]


def test_each_label_carries_the_age() -> None:
    assert label_frames([2.04, 1]) == ["first visible frame, 2.0 s ago", "most recent frame, 1.0 s ago"]


def test_a_single_frame_is_the_first_visible_one() -> None:
    assert label_frames([0.5]) == ["first visible frame, 0.5 s ago"]


def test_no_frames_have_no_labels() -> None:
    assert label_frames([]) == []
