"""What a job's process runs: module-level functions, because they are sent to it by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from meetctl.agent.meeting import Meeting
from meetctl.agent.monitoring import start_monitoring
from meetctl.agent.order import read_order
from meetctl.agent.session_name import name_session
from meetctl.agent.speech import prepare_speech
from meetctl.domain.dispatch_check import is_check

if TYPE_CHECKING:
    from livekit.agents import JobContext, JobProcess

    from meetctl.agent.adapters import AdaptersFactory
    from meetctl.agent.monitoring import MeetingMonitoring
    from meetctl.core.config import AgentSettings


def prewarm(process: JobProcess, *, settings: AgentSettings, make_adapters: AdaptersFactory) -> None:
    """Prepare a process for its meeting, before there is one."""
    process.userdata["monitoring"] = start_monitoring(settings)
    process.userdata["settings"] = settings
    process.userdata["adapters"] = make_adapters(settings)
    process.userdata["speech"] = prepare_speech(settings)


async def run_meeting(ctx: JobContext) -> None:
    """Take part in the meeting that the job is for; a job that is only a check ends at once, at no cost."""
    if is_check(ctx.job.metadata):
        ctx.shutdown("checked")
        return
    settings: AgentSettings = ctx.proc.userdata["settings"]
    adapters = ctx.proc.userdata["adapters"]
    models, now = (settings.llm, *settings.llm_fallbacks), adapters.clock.now()
    rules = [adapters.book.image_rule(model.priced_model, now) for model in models]
    session_id = name_session(ctx.job.room.name, adapters.clock.now())
    monitoring: MeetingMonitoring = ctx.proc.userdata["monitoring"]
    monitoring.context.bind(room=ctx.job.room.name, session_id=session_id)
    meeting = Meeting(
        ctx,
        read_order(ctx.job.metadata, settings, rules),
        adapters=adapters,
        speech=ctx.proc.userdata["speech"],
        monitoring=monitoring,
        session_id=session_id,
    )
    ctx.proc.userdata["meeting"] = meeting
    try:
        await meeting.start()
    except Exception as error:
        # Whatever it is, the session's end says so, and livekit-agents ends the job.
        meeting.leave(f"the start failed: {type(error).__name__}")
        raise


async def end_meeting(ctx: JobContext) -> None:
    """Close the meeting, however it has ended."""
    meeting: Meeting | None = ctx.proc.userdata.get("meeting")
    if meeting is not None:
        await meeting.close()
