"""What a LiveKit agent that is not ours tells in its room, as events; without importing its framework."""

from meetctl.adapters.agent_session_observer.observer import AgentSessionObserver

__all__ = ["AgentSessionObserver"]
