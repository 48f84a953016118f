"""`meetctl agent`: the worker that takes part in meetings."""

from __future__ import annotations

import typer

from meetctl.cli import agent_options as option
from meetctl.cli.agent_options import Environment, LogFormat, Speaker, TurnDetection

agent_app = typer.Typer(
    help="Run the agent: a worker that takes part in the meetings it is dispatched to.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@agent_app.command()
def start(
    environment: option.Where = Environment.DEVELOPMENT,
    agent_name: option.Name = "meetctl",
    max_meetings: option.MaxMeetings = 10,
    idle_processes: option.Idle = 1,
    url: option.Url = None,
    host: option.Host = "127.0.0.1",
    port: option.Port = 0,
    prometheus_port: option.Metrics = None,
    drain_s: option.Drain = 3600,
    fps: option.Fps = "1",
    window: option.Window = 5,
    detail: option.Detail = "high",
    side: option.Side = None,
    record: option.Record = "5",
    announce: option.Announce = True,
    sessions: option.Sessions = None,
    model: option.Llm = "gpt-4.1",
    fallback_models: option.FallbackLlm = None,
    stt_model: option.Stt = "nova-3",
    voice: option.Voice = Speaker.CARTESIA,
    tts_model: option.Tts = None,
    turn_detection: option.Turns = TurnDetection.MODEL,
    instructions: option.Instructions = None,
    greeting: option.Greeting = option.GREETING,
    patience_s: option.Patience = 300.0,
    grace_s: option.Grace = 20.0,
    knowledge_wait_s: option.KnowledgeWait = 0.8,
    prices: option.Prices = None,
    log_format: option.LogLines = LogFormat.AUTO,
    log_content: option.LogContent = False,
    log_directory: option.LogDirectory = None,
) -> None:
    """Run the worker until a signal: the first lets running meetings end, a second ends them.

    A LiveKit server and providers come from the environment, else, but not in production, from the local
    stack of `meetctl up`.

    Example: meetctl agent start --fps 2 --detail low
    """
    from meetctl.cli.agent_run import AgentChoices, run_agent

    run_agent(
        AgentChoices(
            environment=environment.value,
            agent_name=agent_name,
            max_meetings=max_meetings,
            idle_processes=idle_processes,
            url=url,
            host=host,
            port=port,
            prometheus_port=prometheus_port,
            drain_s=drain_s,
            fps=fps,
            window=window,
            detail=detail,
            side=side,
            record=record,
            announce=announce,
            sessions=sessions,
            model=model,
            fallback_models=tuple(fallback_models or ()),
            stt_model=stt_model,
            voice=voice.value,
            tts_model=tts_model,
            turn_detection=turn_detection.value,
            instructions=instructions,
            greeting=greeting,
            patience_s=patience_s,
            grace_s=grace_s,
            knowledge_wait_s=knowledge_wait_s,
            prices=tuple(prices or ()),
            log_format=log_format.value,
            log_content=log_content,
            log_directory=log_directory,
        )
    )


@agent_app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def dev(context: typer.Context) -> None:
    """Run the worker as `start` does, with its options, and start it anew whenever code changes.

    Example: meetctl agent dev --fps 2
    """
    from meetctl.cli.agent_reload import run_agent_reloading

    run_agent_reloading(context.args)
