"""`meetctl replay`: the cost audit of recordings."""

from __future__ import annotations

from meetctl.cli import replay_options as option
from meetctl.cli.replay_options import Coverage, Format, Meaning, Turns


def replay(
    files: option.Files,
    fps: option.Fps = None,
    policy: option.PolicyTexts = None,
    policies: option.PolicyFile = None,
    model: option.Model = "gpt-4.1",
    detail: option.Detail = "high",
    window: option.Window = 5,
    side: option.Side = None,
    sweep: option.Sweep = False,
    target: option.Target = 0.95,
    meaning: option.MeaningChoice = Meaning.PER_TURN,
    coverage: option.CoverageChoice = Coverage.DECODE,
    turns: option.TurnsChoice = Turns.AUTO,
    turns_per_min: option.TurnsPerMin = "2",
    at: option.At = None,
    prices: option.PriceFiles = None,
    json: option.Json = False,
    format_: option.FormatChoice = None,
    output: option.OutputPath = None,
    save: option.SaveFile = None,
    frames: option.FramesDirectory = None,
    timestamps: option.Timestamps = False,
    assertion: option.Assertions = None,
    jobs: option.Jobs = 0,
    verify: option.Verify = False,
) -> None:
    """Say what a recording's vision costs at other frame rates, and what they would miss.

    The agent's own sampler runs over the recorded frames. Each policy is priced in three meanings:
    every kept frame billed once, the last frames attached to each request, and frames left in the history.

    Example: meetctl replay --fps 1 --fps 0.5 recording.mkv
    """
    from meetctl.cli.replay_output import Output
    from meetctl.cli.replay_request import make_request
    from meetctl.cli.replay_run import run_replay
    from meetctl.errors import UsageError

    if json and format_ not in (None, Format.JSON):
        raise UsageError(f"--json and --format {format_.value} contradict each other")
    chosen = Format.JSON if json else format_ or Format.TABLE

    if verify:
        from meetctl.cli.replay_verify import run_verify

        of_audits: dict[str, object]
        of_audits = {"--fps": fps, "--policy": policy, "--policies": policies, "--sweep": sweep, "--at": at}
        of_audits |= {"--save": save, "--frames": frames, "--timestamps": timestamps, "--assert": assertion}
        run_verify(files, of_audits, chosen.value, output=output, price_files=tuple(prices or ()))
        return

    request = make_request(
        fps=fps or (),
        policy_texts=policy or (),
        policy_file=policies,
        model=model,
        detail=detail,
        window=window,
        side=side,
        sweep=sweep,
        coverage=coverage.value,
        turns=turns.value,
        turns_per_min=turns_per_min,
        at=at,
        thumbnails=chosen is Format.HTML,
    )
    run_replay(
        files,
        request,
        Output(
            format=chosen.value,
            path=output,
            save=save,
            frames=frames,
            timestamps=timestamps,
            assertions=tuple(assertion or ()),
            meaning=meaning.value,
            target=target,
        ),
        price_files=tuple(prices or ()),
        jobs=jobs,
    )
