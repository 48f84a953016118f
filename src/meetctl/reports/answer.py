"""The answer of an audit in plain sentences, and what was assumed to get it."""

from __future__ import annotations

from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
from meetctl.domain.billing import Meaning
from meetctl.reports.cells import format_share
from meetctl.reports.money import format_usd

_SAME = 0.005
"""Below this share nobody would call it a saving."""


def answer_recording(recording: RecordingAudit, audit: Audit) -> str:
    """Say in plain sentences what one recording's vision costs, saves and shows."""
    return _answer(recording.policies, audit)


def answer_total(audit: Audit) -> str:
    """Say the same of all recordings together."""
    return f"The {len(audit.recordings)} recordings together: {_answer(audit.total, audit)}"


def _answer(policies: tuple[PolicyAudit, ...], audit: Audit) -> str:
    baseline, headline = policies[0], _headline(policies)
    sentences = [_describe(headline, baseline, audit.meaning)]
    enough = format_share(audit.target)
    if headline.is_cheapest:
        sentences.insert(0, f"{headline.policy.name} is the cheapest tried with at least {enough} coverage.")
    elif audit.swept:
        sentences.insert(0, f"No policy tried shows {enough} of the changes at a known price.")
    aside = _contrast(headline, baseline, audit.meaning)
    return " ".join([*sentences, aside] if aside else sentences)


def _headline(policies: tuple[PolicyAudit, ...]) -> PolicyAudit:
    chosen = next((policy for policy in policies if policy.is_cheapest), None)
    return chosen or policies[min(1, len(policies) - 1)]


def _describe(policy: PolicyAudit, baseline: PolicyAudit, meaning: Meaning) -> str:
    cost = policy.costs[meaning]
    if cost.usd is None:
        money = (
            f"At {policy.policy.name} {cost.tokens:,} image tokens are sent, "
            f"but {policy.policy.model} has no price"
        )
    else:
        money = (
            f"At {policy.policy.name} the vision costs {format_usd(cost.usd)} "
            f"({format_usd(cost.usd_per_hour)} an hour) {_how(policy, meaning)}"
        )
        if policy is not baseline:
            money += f", {_compare(policy.saving[meaning], baseline)}"
    return f"{money}{_show(policy)}."


def _how(policy: PolicyAudit, meaning: Meaning) -> str:
    match meaning:
        case "every_frame":
            return "if each kept frame is sent once"
        case "history":
            return "if sent frames stay in the history"
    return f"with the last {policy.policy.window} frames attached to each request"


def _compare(saving: float | None, baseline: PolicyAudit) -> str:
    name = baseline.policy.name
    if saving is None:
        return f"which cannot be compared with {name}"
    if abs(saving) < _SAME:
        return f"the same as at {name}"
    return f"{format_share(abs(saving))} {'less' if saving > 0 else 'more'} than at {name}"


def _show(policy: PolicyAudit) -> str:
    coverage = policy.coverage
    if not coverage.changes:
        return "" if coverage.changes is None else "; nothing visible changed"
    delay = coverage.delay_s(50)
    late = f", half of them within {delay:.1f} s" if delay is not None else ""
    estimated = "an estimated " if coverage.method == "packets" else ""
    return f"; it shows {coverage.seen} of {estimated}{coverage.changes} visible changes{late}"


def _contrast(policy: PolicyAudit, baseline: PolicyAudit, meaning: Meaning) -> str | None:
    """Say where a lower rate does save, when it does not save in the meaning spoken of."""
    here, once = policy.saving[meaning], policy.saving["every_frame"]
    if meaning == "every_frame" or here is None or once is None or abs(here) >= _SAME or once < _SAME:
        return None
    return (
        "The rate alone saves nothing there, because a request takes the same number of images; "
        f"were every kept frame sent, {policy.policy.name} would cost "
        f"{format_usd(policy.costs['every_frame'].usd_per_hour)} an hour instead of "
        f"{format_usd(baseline.costs['every_frame'].usd_per_hour)}, {format_share(once)} less."
    )


def describe_assumptions(recording: RecordingAudit, audit: Audit) -> list[str]:
    """Say what the figures rest on, one line each."""
    policies = recording.policies
    turns = {
        "events": "from the journal",
        "vad": "one after each stretch of speech, the agent's own included if it is on the recording",
        "rate": "assumed at an even rate (--turns-per-min)",
    }[recording.turns]
    method = policies[0].coverage.method
    found = {
        "decode": "found in decoded pictures",
        "packets": "estimated from packet sizes (--coverage decode looks at the pictures)",
        "off": "not looked for (--coverage)",
    }[method]
    models = sorted({f"{p.policy.model}, {p.rule}" for p in policies})
    when = f"{recording.priced_at.date().isoformat()}, price book {audit.price_book}"
    return [
        f"requests: {len(recording.requests_us)}, {turns}",
        f"image tokens: {'; '.join(models)}",
        f"prices: as of {when}; list prices for image tokens only, no cache discount",
        f"changes: {found}",
    ]
