"""Which policy held when: a session's own changes while it ran."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import Any

from meetctl.domain.policy import EVERY_FRAME, Policy
from meetctl.domain.sampler import Sampler


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySpan:
    """What frames are kept and sent by from one moment on, until the next span."""

    from_us: int
    """Media time of the first frame that it is for; a session's first span has 0."""
    policy: Policy
    sees: bool = True
    """Whether the agent looks at all; with its eyes shut it keeps and sends nothing."""
    attaches_from_us: int = 0
    """Requests take no frame from before this media time: it was seen before the eyes were shut, or has
    been let go under a narrower window."""

    @property
    def fps(self) -> Fraction | None:
        """The rate of what is kept."""
        return self.policy.fps if self.sees else Fraction(0)

    @property
    def window(self) -> int:
        """How many frames a request takes."""
        return self.policy.window if self.sees else 0


def span_at(spans: Sequence[PolicySpan], t_us: int) -> PolicySpan:
    """Return the span that a moment belongs to; `spans` is in order and not empty.

    >>> slow, fast = (Policy(name=str(fps), fps=Fraction(fps)) for fps in (1, 4))
    >>> spans = [PolicySpan(from_us=0, policy=slow), PolicySpan(from_us=500, policy=fast)]
    >>> [span_at(spans, t_us).policy.name for t_us in (0, 499, 500)]
    ['1', '1', '4']
    """
    return spans[max(0, bisect_right(spans, t_us, key=attrgetter("from_us")) - 1)]


def make_sampler(spans: Sequence[PolicySpan]) -> Sampler:
    """Return the sampler of one track that goes by these spans."""
    sampler = Sampler(spans[0].fps)
    for span in spans[1:]:
        sampler.change_rate(span.fps, span.from_us)
    return sampler


def document_span(span: PolicySpan) -> dict[str, Any]:
    """Return a span in JSON's types, as `policy.changed` has it.

    >>> document_span(PolicySpan(from_us=0, policy=Policy(name="", fps=None)))["policy"]["fps"]
    'every-frame'
    """
    return {
        "policy": document_policy(span.policy),
        "eyes": span.sees,
        "from_us": span.from_us,
        "attaches_from_us": span.attaches_from_us,
    }


def document_policy(policy: Policy) -> dict[str, Any]:
    """Return what a policy says of keeping and sending frames, in JSON's types."""
    return {
        "fps": EVERY_FRAME if policy.fps is None else str(policy.fps),
        "window": policy.window,
        "detail": policy.detail,
        "side": policy.side,
    }
