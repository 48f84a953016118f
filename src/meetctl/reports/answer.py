"""The answer of an audit in plain sentences, and what was assumed to get it."""

from __future__ import annotations

from meetctl.domain.audit import Audit, PolicyAudit, RecordingAudit
from meetctl.domain.billing import Meaning
from meetctl.domain.coverage import Coverage
from meetctl.reports.cells import UNKNOWN, format_share, known_total
from meetctl.reports.money import format_usd
from meetctl.reports.plain_text import show_plain

_SAME = 0.005
"""Below this share nobody would call it a saving."""

_AT_ONCE_S = 0.05
"""Below this delay nobody would call it late."""


def answer_recording(recording: RecordingAudit, audit: Audit) -> str:
    """Say in plain sentences what one recording's vision costs, saves and shows."""
    return _answer(recording.policies, audit)


def answer_total(audit: Audit) -> str:
    """Say the same of all recordings together."""
    return f"All {len(audit.recordings)} recordings together. {_answer(audit.total, audit)}"


def _answer(policies: tuple[PolicyAudit, ...], audit: Audit) -> str:
    baseline, headline = policies[0], _headline(policies, audit)
    sentences = [_describe(headline, baseline, audit)]
    if audit.swept:
        sentences.insert(0, _describe_choice(headline, policies, audit))
    aside = _contrast(headline, baseline, audit.meaning)
    return show_plain(" ".join([*sentences, aside] if aside else sentences))


def _headline(policies: tuple[PolicyAudit, ...], audit: Audit) -> PolicyAudit:
    """Choose whom the answer speaks of: whom a sweep chose, else who shows most, else the first asked for."""
    chosen = next((policy for policy in policies if policy.is_cheapest), None)
    if chosen or len(policies) == 1:
        return chosen or policies[0]
    # max() takes the first of equals, and a sweep's grid goes from the cheapest rate up.
    return max(policies[1:], key=lambda policy: policy.coverage.ratio or 0) if audit.swept else policies[1]


def _describe_choice(headline: PolicyAudit, policies: tuple[PolicyAudit, ...], audit: Audit) -> str:
    enough = format_share(audit.target)
    if headline.is_cheapest and headline.coverage.changes == 0:
        return f"Nothing visible changed, so the cheapest policy tried is {headline.policy.name}."
    if headline.is_cheapest:
        return f"{headline.policy.name} is the cheapest tried with at least {enough} coverage."
    if all(policy.coverage.changes is None for policy in policies):
        return "No policy can be chosen, because what changed is not known."
    if any((policy.coverage.ratio or 0) >= audit.target for policy in policies):
        return f"No policy tried that shows {enough} of the changes has a price."
    return f"No policy tried shows {enough} of the changes; {headline.policy.name} comes nearest."


def _describe(policy: PolicyAudit, baseline: PolicyAudit, audit: Audit) -> str:
    meaning = audit.meaning
    name, cost = policy.policy.name, policy.costs[meaning]
    if not policy.kept:
        money = f"At {name} no frame is kept, and the vision costs nothing"
    elif cost.usd is None:
        money = _describe_unpriced(policy, audit)
    elif not cost.sent:
        money = f"At {name} the vision costs nothing, because {_why_nothing(policy)}"
    else:
        money = (
            f"At {name} the vision costs {format_usd(cost.usd)} "
            f"({format_usd(cost.usd_per_hour)} an hour) {_how(policy, meaning)}"
        )
        if policy is not baseline:
            money += f", {_compare(policy.saving[meaning], baseline)}"
    return f"{money}{_show(policy)}."


def _describe_unpriced(policy: PolicyAudit, audit: Audit) -> str:
    """Say how much is not known; of a total, what the part with a price comes to."""
    name, model, cost = policy.policy.name, policy.policy.model, policy.costs[audit.meaning]
    known = known_total(audit, policy)[audit.meaning] if policy in audit.total else None
    if known is None or known.total == UNKNOWN:
        return f"At {name} {cost.tokens:,} image tokens are sent, but {model} has no price"
    least = known.total.removeprefix("≥ ")
    return f"At {name} the vision costs at least {least}: for a part of it {model} has no price"


def _why_nothing(policy: PolicyAudit) -> str:
    return "no request takes a frame" if policy.policy.window else "no frame is attached to a request"


def _how(policy: PolicyAudit, meaning: Meaning) -> str:
    match meaning:
        case "every_frame":
            return "if each kept frame is sent once"
        case "history":
            return "if sent frames stay in the history"
    window = policy.policy.window
    frames = "last frame" if window == 1 else f"last {window} frames"
    return f"with the {frames} attached to each request"


def _compare(saving: float | None, baseline: PolicyAudit) -> str:
    name = baseline.policy.name
    if saving is None:
        return f"which cannot be compared with {name}"
    if abs(saving) < _SAME:
        return f"the same as at {name}"
    return f"{format_share(abs(saving))} {'less' if saving > 0 else 'more'} than at {name}"


def _show(policy: PolicyAudit) -> str:
    """Say what is seen of the changes, and how soon; nothing where nobody looked."""
    coverage = policy.coverage
    if coverage.changes is None:
        return ""
    if not coverage.changes:
        return "; nothing visible changed"
    estimated = "an estimated " if coverage.method == "packets" else ""
    changes = f"{estimated}{coverage.changes} visible change{'s' if coverage.changes > 1 else ''}"
    if not coverage.seen:
        return f"; it shows none of {changes}"
    return f"; it shows {coverage.seen} of {changes}, {_when(coverage)}"


def _when(coverage: Coverage) -> str:
    delay_s = coverage.delay_s(50) or 0.0
    soon = "at once" if delay_s < _AT_ONCE_S else f"within {delay_s:.1f} s"
    return f"half of them {soon}" if (coverage.seen or 0) > 1 else soon


def _contrast(policy: PolicyAudit, baseline: PolicyAudit, meaning: Meaning) -> str | None:
    """Say where a lower rate does save, when it does not save in the meaning spoken of."""
    here, once = policy.saving[meaning], policy.saving["every_frame"]
    if meaning == "every_frame" or here is None or once is None or abs(here) >= _SAME or once < _SAME:
        return None
    if not policy.costs[meaning].sent:
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
    when = f"{recording.priced_at.date().isoformat()}{_origin(recording)}, price book {audit.price_book}"
    return [
        f"requests: {len(recording.requests_us)}, {turns}",
        f"image tokens: {'; '.join(models)}",
        f"prices: as of {when}; list prices for image tokens only, no cache discount",
        f"changes: {found}",
    ]


def _origin(recording: RecordingAudit) -> str:
    """Say so where the day of the prices is a guess: a file that was copied has a date of its own."""
    guessed = recording.recording.recorded_at_source == "file time"
    if not guessed or recording.priced_at != recording.recording.recorded_at:
        return ""
    return " (the file's date, since it does not say when it was made; --at changes it)"
