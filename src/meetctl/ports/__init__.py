"""What the services need from the outside, as small protocols; adapters implement them."""

from __future__ import annotations

from meetctl.ports.backend import Backend
from meetctl.ports.clock import Clock
from meetctl.ports.dashboard import DashboardFeed, FramePictures, MeetingActions
from meetctl.ports.events import EventSink, EventSource
from meetctl.ports.livekit import AgentControl, RoomAdmin, TokenSigner, WorkerCensus
from meetctl.ports.logs import LogFinder, LogSource
from meetctl.ports.machine import Machine, MediaProbe, RemoteClock
from meetctl.ports.media import FrameEncoder, FrameSink, FrameSource, MeetingRecorder, Picture
from meetctl.ports.money import Ledger, SpendingBook
from meetctl.ports.prices import PriceBook
from meetctl.ports.progress import Progress
from meetctl.ports.sessions import RunningSessions, SessionCatalogue, SessionPruner, SessionStates

__all__ = [
    "AgentControl",
    "Backend",
    "Clock",
    "DashboardFeed",
    "EventSink",
    "EventSource",
    "FrameEncoder",
    "FramePictures",
    "FrameSink",
    "FrameSource",
    "Ledger",
    "LogFinder",
    "LogSource",
    "Machine",
    "MediaProbe",
    "MeetingActions",
    "MeetingRecorder",
    "Picture",
    "PriceBook",
    "Progress",
    "RemoteClock",
    "RoomAdmin",
    "RunningSessions",
    "SessionCatalogue",
    "SessionPruner",
    "SessionStates",
    "SpendingBook",
    "TokenSigner",
    "WorkerCensus",
]
