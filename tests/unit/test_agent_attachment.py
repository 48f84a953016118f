"""What is kept and sent is exact: the journal alone gives the same, whatever came and was changed when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.agent_frames import LiveTrack, Stage
from tests.fakes.frame_encoder import DescribingEncoder

from meetctl.agent.frame_feed import LATENESS_US
from meetctl.domain.attachment import choose_attached
from meetctl.domain.events import parse_event
from meetctl.domain.frame_times import find_frame_times
from meetctl.domain.journal import read_journal
from meetctl.domain.policy_span import make_sampler, span_at
from meetctl.domain.vision_tokens import sent_size

if TYPE_CHECKING:
    from meetctl.agent.frame_feed import Attachment
    from meetctl.domain.policy import Policy

MILLISECOND_US = 1_000
Kind = Literal["frame", "encoded", "request", "leave", "policy", "eyes"]
RATES = (Fraction(0), Fraction(1), Fraction(4), Fraction(30), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something at a time: a frame arrives, the encoder finishes one, a request is made, a track goes,
    the policy changes, or the eyes are shut or opened."""

    at_us: int
    kind: Kind
    track: int = 0
    stamp_us: int = 0
    fps: Fraction | None = None
    window: int = 0
    side: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalFrame:
    """A kept frame as a reader of the journal knows it."""

    id: str
    track: str
    t_us: int


@st.composite
def scenes(draw: st.DrawFn) -> list[Happening]:
    """Up to three tracks at any rate, late by up to 200 ms, and any number of requests."""
    happenings = []
    for track in range(draw(st.integers(1, 3))):
        step = draw(st.sampled_from([33, 100, 250, 1000]))
        begin = draw(st.integers(0, 1500))
        for number in range(draw(st.integers(0, 40))):
            stamp = begin + number * step
            arrival = stamp + draw(st.integers(-15, 200))
            happenings.append(
                Happening(
                    at_us=max(0, arrival) * MILLISECOND_US,
                    kind="frame",
                    track=track,
                    stamp_us=stamp * MILLISECOND_US,
                )
            )
    end = max((happening.at_us for happening in happenings), default=0) // MILLISECOND_US
    times = st.integers(0, end + 500)
    others: tuple[tuple[Kind, int], ...] = (("encoded", 120), ("request", 12), ("leave", 1))
    for kind, most in others:
        happenings += [
            Happening(at_us=draw(times) * MILLISECOND_US, kind=kind, track=draw(st.integers(0, 2)))
            for _ in range(draw(st.integers(0, most)))
        ]
    happenings += [
        Happening(
            at_us=draw(times) * MILLISECOND_US,
            kind=draw(st.sampled_from(["policy", "policy", "eyes"])),
            fps=draw(st.sampled_from(RATES)),
            window=draw(st.sampled_from([1, 5, 12])),
            side=draw(st.sampled_from([None, 20])),
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    return sorted(happenings, key=lambda happening: happening.at_us)


class Performance:
    """Plays a scene; the encoder has finished exactly as many frames as the scene has let through."""

    def __init__(self, stage: Stage, *, is_held: bool) -> None:
        self.stage = stage
        self.attachments: list[Attachment] = []
        self.is_held = is_held
        self._tracks: dict[int, LiveTrack] = {}
        self._gone: set[int] = set()
        self._encoded = 0

    async def play(self, scene: list[Happening]) -> None:
        for happening in scene:
            self.stage.clock.advance_to(self.stage.began_us + happening.at_us)
            match happening.kind:
                case "frame":
                    await self._show(happening)
                case "encoded":
                    await self._encode_one()
                case "request":
                    self.attachments.append(self.stage.feed.attach())
                case "policy":
                    self._change(happening)
                case "eyes" if self.stage.feed.sees:
                    self.stage.feed.shut_eyes()
                    assert self.stage.feed.attach().frames == ()
                case "eyes":
                    self.stage.feed.open_eyes()
                    assert self.stage.feed.attach().frames == ()
                case "leave" if happening.track in self._tracks:
                    self._gone.add(happening.track)
                    await self.stage.feed.unwatch(self._tracks[happening.track].video.id)
        while self.is_held and self._encoded < self.stage.feed.kept:
            await self._encode_one()
        self.attachments.append(self.stage.feed.attach())
        await self.stage.feed.close()

    def _change(self, happening: Happening) -> None:
        policy: Policy = self.stage.feed.policy
        self.stage.feed.change_policy(
            replace(policy, fps=happening.fps, window=happening.window, side=happening.side)
        )

    async def _show(self, happening: Happening) -> None:
        track = self._tracks.get(happening.track)
        if track is None:
            track = self._tracks[happening.track] = LiveTrack("cab"[happening.track])
            self.stage.feed.watch(track.video, track.frames())
        if happening.track in self._gone:
            self._gone.discard(happening.track)
            self.stage.feed.watch(track.video, track.frames())
        await track.send(self.stage.began_us + happening.stamp_us)
        if not self.is_held:
            await self.stage.encoded()

    async def _encode_one(self) -> None:
        if self.is_held and self._encoded < self.stage.feed.kept:
            self.stage.encoder.allow()
            await self.stage.encoded(f"frame-{self._encoded:06d}")
            self._encoded += 1


@settings(
    max_examples=100,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
@given(
    scene=scenes(),
    fps=st.sampled_from([Fraction(1), Fraction(4), Fraction(30), None]),
    window=st.sampled_from([1, 5, 10, 12]),
    is_held=st.booleans(),
)
def test_the_journal_alone_gives_what_is_kept_and_what_every_request_takes(
    scene: list[Happening], fps: Fraction | None, window: int, is_held: bool
) -> None:
    async def play() -> None:
        stage = Stage(fps=fps, window=window, encoder=DescribingEncoder(is_held=is_held))
        start = Stage(fps=fps, window=window).feed.policy
        stage.journal.write("session.started", {"policy": document(start)})
        performance = Performance(stage, is_held=is_held)
        try:
            async with asyncio.timeout(60):
                await performance.play(scene)
        finally:
            stage.encoder.allow(1000)
        check(stage, performance)

    asyncio.run(play())


def document(policy: Policy) -> dict[str, object]:
    fps = "every-frame" if policy.fps is None else str(policy.fps)
    return {"fps": fps, "window": policy.window, "detail": policy.detail, "side": policy.side}


def check(stage: Stage, performance: Performance) -> None:
    events = [parse_event(line) for line in stage.sink.lines]
    journal, seen = read_journal(events), find_frame_times(events)
    kept = [JournalFrame(id=entry.frame, track=entry.track, t_us=entry.t_us) for entry in journal.kept]
    for track, times in seen.items():
        assert list(times.t_us) == sorted(set(times.t_us))
        replayed = [times.t_us[index] for index in make_sampler(journal.spans).select(times.t_us)]
        assert [frame.t_us for frame in kept if frame.track == track] == replayed
    assert {frame.track for frame in kept} <= set(seen)
    for taken in performance.attachments:
        span = span_at(journal.spans, taken.as_of_us)
        expected = choose_attached(kept, taken.as_of_us, span.window, span.attaches_from_us)
        assert [frame.id for frame in taken.frames] == [frame.id for frame in expected]
        assert taken.as_of_us % MILLISECOND_US == 0
        changes = [span.from_us for span in journal.spans]
        assert taken.as_of_us <= taken.now_us or taken.as_of_us in changes
        if not performance.is_held:
            assert taken.as_of_us >= taken.now_us - LATENESS_US
        for frame in taken.frames:
            side = span_at(journal.spans, frame.t_us).policy.side
            assert (frame.sent_width, frame.sent_height) == sent_size(frame.width, frame.height, side)
