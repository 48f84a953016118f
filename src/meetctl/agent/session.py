"""The session of livekit-agents as this agent uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from livekit.agents import AgentSession, inference
from livekit.agents.voice.room_io import RoomOptions

if TYPE_CHECKING:
    from livekit.agents import TurnHandlingOptions

    from meetctl.agent.speech import Speech
    from meetctl.core.config import TurnDetection

ROOM_OPTIONS = RoomOptions(text_input=False, audio_input=False, close_on_disconnect=False)
"""Sound and typed words of everybody come by our own inputs; livekit-agents would take one person's."""


def make_session(speech: Speech, detection: TurnDetection) -> AgentSession[Any]:
    """Return a session that has not begun, with these ears, this model and this voice."""
    return AgentSession(
        stt=speech.stt,
        llm=speech.llm,
        tts=speech.tts,
        vad=speech.vad,
        turn_handling=_turn_handling(detection),
        conn_options=speech.connect_options,
        video_sampler=None,
        # livekit-agents would tell the absence of the first person, whoever else is there.
        user_away_timeout=None,
    )


def _turn_handling(detection: TurnDetection) -> TurnHandlingOptions:
    return {
        "turn_detection": inference.TurnDetector(version="v1-mini") if detection == "v1-mini" else "vad",
        "interruption": {"mode": "vad"},
        # A request made before the turn has ended would be paid for twice, and see older frames.
        "preemptive_generation": {"enabled": False},
    }
