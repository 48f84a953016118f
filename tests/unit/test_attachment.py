"""The one window over all tracks: live, frame by frame, and in replay, by columns."""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from meetctl.domain.attachment import attach_ranges, choose_attached


@dataclass(frozen=True, slots=True)
class Frame:
    track: str
    t_us: int


COLUMNS = st.lists(st.lists(st.integers(0, 40), unique=True).map(sorted), min_size=1, max_size=4)


@given(COLUMNS, st.lists(st.integers(-1, 45)), st.integers(0, 7), st.randoms(use_true_random=False))
def test_agent_and_replay_choose_the_same_frames(
    kept_us: list[list[int]], requests_us: list[int], window: int, random: object
) -> None:
    ids = [f"TR_{(7 * number + 3) % 5}" for number in range(len(kept_us))]
    frames = [Frame(track, t_us) for track, column in zip(ids, kept_us, strict=True) for t_us in column]
    random.shuffle(frames)  # type: ignore[attr-defined]
    ranges = attach_ranges(kept_us, requests_us, window, ids)
    for request, request_us in enumerate(requests_us):
        taken = {
            Frame(track, column[place])
            for track, column, pairs in zip(ids, kept_us, ranges, strict=True)
            for place in range(*pairs[request])
        }
        live = choose_attached(frames, request_us, window)
        assert set(live) == taken
        assert len(live) == len(taken) == min(window, sum(f.t_us <= request_us for f in frames))
        assert live == sorted(live, key=lambda frame: (frame.t_us, frame.track))


@given(COLUMNS, st.lists(st.integers(-1, 45)), st.integers(0, 7))
def test_one_track_is_the_last_frames_before_the_request(
    kept_us: list[list[int]], requests_us: list[int], window: int
) -> None:
    (ranges,) = attach_ranges(kept_us[:1], requests_us, window)
    for request_us, (start, stop) in zip(requests_us, ranges, strict=True):
        until = [t_us for t_us in kept_us[0] if t_us <= request_us]
        assert kept_us[0][start:stop] == until[max(0, len(until) - window) :]


def test_frames_of_one_time_are_taken_by_track_id_whatever_the_order_of_tracks() -> None:
    assert attach_ranges([[5], [5]], [5], 1, ["TR_b", "TR_a"]) == [[(0, 1)], [(1, 1)]]
    assert attach_ranges([[5], [5]], [5], 1, ["TR_a", "TR_b"]) == [[(1, 1)], [(0, 1)]]


def test_tracks_without_ids_are_taken_in_their_order() -> None:
    assert attach_ranges([[5], [5]], [5], 1) == [[(1, 1)], [(0, 1)]]


def test_no_track_takes_nothing() -> None:
    assert attach_ranges([], [5], 3) == []


def test_frames_from_before_a_time_are_not_taken_though_the_window_has_room() -> None:
    frames = [Frame("TR_a", t_us) for t_us in (1, 2, 3, 4)]
    assert choose_attached(frames, 3, 5, 2) == [Frame("TR_a", 2), Frame("TR_a", 3)]
