"""The buffer of kept frames: small, in order, and never lacking what a request may take."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from meetctl.domain.attachment import choose_attached
from meetctl.domain.frame_buffer import CAPACITY, SPREAD_US, FrameBuffer, KeptFrame


def kept(t_us: int, track: str = "TR_1") -> KeptFrame:
    return KeptFrame(
        id=f"{track}-{t_us}",
        track=track,
        t_us=t_us,
        width=2,
        height=2,
        sent_width=2,
        sent_height=2,
        jpeg=b"",
    )


def test_at_a_frame_a_second_it_holds_the_last_ten() -> None:
    buffer = FrameBuffer(window=5)
    for second in range(30):
        buffer.add(kept(second * 1_000_000))
    assert [frame.t_us // 1_000_000 for frame in buffer] == list(range(20, 30))
    assert len(buffer) == CAPACITY


def test_a_wider_window_holds_more() -> None:
    buffer = FrameBuffer(window=14)
    for second in range(30):
        buffer.add(kept(second * 1_000_000))
    assert len(buffer.last(14, 27_000_000)) == 14


def test_a_window_of_nothing_takes_nothing() -> None:
    buffer = FrameBuffer(window=0)
    for second in range(30):
        buffer.add(kept(second * 1_000_000))
    assert len(buffer) == CAPACITY
    assert buffer.last(0, 30_000_000) == ()


def test_frames_of_one_time_are_in_the_order_of_their_tracks() -> None:
    buffer = FrameBuffer(window=5)
    for track in ("TR_c", "TR_a", "TR_b"):
        buffer.add(kept(1000, track))
    assert [frame.track for frame in buffer] == ["TR_a", "TR_b", "TR_c"]


def test_a_cleared_buffer_is_empty() -> None:
    buffer = FrameBuffer(window=5)
    buffer.add(kept(0))
    buffer.clear()
    assert buffer.last(5, 10) == ()


@settings(max_examples=100)
@given(
    window=st.sampled_from([0, 1, 5, 10, 12]),
    rate_us=st.sampled_from([33_000, 100_000, 1_000_000]),
    arrivals=st.lists(st.tuples(st.integers(0, 4), st.sampled_from("abc")), min_size=1, max_size=80),
    trailing_us=st.integers(-500_000, SPREAD_US),
)
def test_it_gives_what_all_frames_would_give(
    window: int, rate_us: int, arrivals: list[tuple[int, str]], trailing_us: int
) -> None:
    """Whatever the rate: as long as frames and requests are as near each other as live ones are."""
    buffer = FrameBuffer(window=window)
    frames = [kept(number * rate_us - late * 50_000, track) for number, (late, track) in enumerate(arrivals)]
    for frame in frames:
        buffer.add(frame)
    as_of_us = max(frame.t_us for frame in frames) - trailing_us
    expected = [(frame.t_us, frame.track) for frame in choose_attached(frames, as_of_us, window)]
    assert [(frame.t_us, frame.track) for frame in buffer.last(window, as_of_us)] == expected


def test_it_says_from_when_on_it_lacks_nothing() -> None:
    buffer = FrameBuffer(window=5)
    for second in range(CAPACITY):
        buffer.add(kept(second * 1_000_000))
    assert buffer.whole_from_us == 0
    for second in (10, 11):
        buffer.add(kept(second * 1_000_000))
    assert buffer.whole_from_us == 1_001_000


def test_widened_it_holds_more_from_then_on_and_never_less_again() -> None:
    buffer = FrameBuffer(window=5)
    for window in (20, 1):
        buffer.widen(window)
    for second in range(40):
        buffer.add(kept(second * 1_000_000))
    assert len(buffer.last(20, 38_000_000)) == 20


def test_frames_from_before_a_time_are_not_taken() -> None:
    buffer = FrameBuffer(window=5)
    for t_us in (1000, 2000, 3000):
        buffer.add(kept(t_us))
    assert [frame.t_us for frame in buffer.last(5, 3000, 2000)] == [2000, 3000]
