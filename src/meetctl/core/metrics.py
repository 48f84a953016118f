"""The agent's metrics as Prometheus knows them: numbers about all meetings, never about one of them.

No label names a tenant, a room, a session or a person: those have no bound, and Prometheus keeps every value
that a label ever had. What one meeting did and cost is in its journal.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_BUCKETS_S = (0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""Around what people notice: an answer within half a second is quick, after three a person asks again."""

STAGES = ("transcript", "end_of_turn", "knowledge", "llm", "tts", "total")
"""What an answer's latency is made of."""


class MeetingInstruments:
    """What the process of a meeting counts; made once a process, after its slot is claimed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._registry = registry
        self.sessions_started = self._counter("meetctl_sessions_started", "Sessions that have begun.")
        self.sessions_ended = self._counter("meetctl_sessions_ended", "Sessions that have ended.", "reason")
        self.turns = self._counter("meetctl_turns", "What people said and the agent answered.", "outcome")
        self.frames_seen = self._counter("meetctl_frames_seen", "Video frames that the agent saw.")
        self.frames_kept = self._counter("meetctl_frames_kept", "Video frames that the sampler kept.")
        self.frames_dropped = self._counter(
            "meetctl_frames_dropped",
            "Video frames that the sampler did not keep, or the recorder had no time for.",
            "by",
        )
        self.requests = self._counter(
            "meetctl_llm_requests", "Requests to the model.", "provider", "model", "outcome"
        )
        self.images = self._counter("meetctl_llm_images", "Images attached to requests.", "provider", "model")
        self.tokens = self._counter(
            "meetctl_llm_tokens", "Tokens of billed requests.", "provider", "model", "kind"
        )
        self.heard = self._counter(
            "meetctl_stt_audio_seconds", "Audio that was transcribed.", "provider", "model"
        )
        self.spoken = self._counter("meetctl_tts_characters", "Text that was spoken.", "provider", "model")
        self.cost = self._counter(
            "meetctl_cost_usd", "What usage with a price has cost.", "provider", "model"
        )
        self.unpriced = self._counter(
            "meetctl_unpriced_uses", "Uses that cost something nobody knows.", "provider", "model"
        )
        self.errors = self._counter("meetctl_errors", "Failures that the meeting went on after.", "component")
        self.backend_calls = self._counter(
            "meetctl_backend_calls", "Calls to the platform's backend.", "procedure", "outcome"
        )
        self.backend_duration = self._histogram(
            "meetctl_backend_call_duration_seconds", "How long calls to the backend took.", "procedure"
        )
        self.knowledge_searches = self._counter(
            "meetctl_knowledge_searches", "Searches in tenants' knowledge.", "outcome"
        )
        self.control_messages = self._counter(
            "meetctl_control_messages", "Messages that were to steer the agent.", "outcome"
        )
        self.tool_calls = self._counter(
            "meetctl_tool_calls", "Tools that the model called.", "tool", "outcome"
        )
        self.control_refusals = self._counter(
            "meetctl_control_refusals", "Messages that were to steer the agent and were refused.", "reason"
        )
        self.provider_failures = self._counter(
            "meetctl_provider_failures",
            "How often a provider failed and was passed over.",
            "use",
            "provider",
            "model",
        )
        self.latency = self._histogram(
            "meetctl_answer_latency_seconds", "How long each stage of an answer took.", "stage"
        )
        self.budget_steps = self._counter(
            "meetctl_budget_steps",
            "How often a budget changed what the agent does, by the step in force afterwards.",
            "budget",
            "step",
        )
        self.restrained = Gauge(
            "meetctl_restrained_sessions",
            "Running sessions that do with less because of a budget.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.degraded = Gauge(
            "meetctl_degraded_sessions",
            "Running sessions that go on without something.",
            ["component"],
            registry=registry,
            multiprocess_mode="livesum",
        )

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self._registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self._registry, buckets=LATENCY_BUCKETS_S)


class WorkerInstruments:
    """What the worker itself knows: how many meetings run, also where one of their processes was killed."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # A worker has one process, but its gauges are gathered from the shared directory like all others.
        self.running = Gauge(
            "meetctl_sessions_running",
            "Meetings that this worker's processes hold now.",
            registry=registry,
            multiprocess_mode="livesum",
        )
        self.places = Gauge(
            "meetctl_sessions_max",
            "Meetings that this worker takes at a time.",
            registry=registry,
            multiprocess_mode="livesum",
        )
