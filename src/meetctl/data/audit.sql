-- The tables of a saved audit, schema meetctl.audit/1. Times are microseconds on the media clock,
-- counted from the recording's start; money is US dollars; NULL is "unknown" or "without a price", never zero.

CREATE TABLE meta (
    schema_name VARCHAR NOT NULL,
    meetctl_version VARCHAR NOT NULL,
    price_book VARCHAR NOT NULL,
    meaning VARCHAR NOT NULL,
    target DOUBLE NOT NULL
);
COMMENT ON TABLE meta IS 'one row: what made this audit';
COMMENT ON COLUMN meta.schema_name IS 'meetctl.audit/1';
COMMENT ON COLUMN meta.meetctl_version IS 'the version of meetctl that wrote it';
COMMENT ON COLUMN meta.price_book IS 'the version of the bundled price book';
COMMENT ON COLUMN meta.meaning IS 'the meaning of cost that the audit''s answer speaks of';
COMMENT ON COLUMN meta.target IS 'the share of changes that a sweep asked for';

CREATE TABLE recordings (
    recording INTEGER NOT NULL,
    path VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    duration_us BIGINT NOT NULL,
    recorded_at_utc TIMESTAMP NOT NULL,
    recorded_at_source VARCHAR NOT NULL,
    priced_at_utc TIMESTAMP NOT NULL,
    turns VARCHAR NOT NULL,
    has_audio BOOLEAN NOT NULL,
    damaged BOOLEAN NOT NULL
);
COMMENT ON TABLE recordings IS 'one row a file or bundle';
COMMENT ON COLUMN recordings.recording IS 'its number in the call, from 0; the key of all other tables';
COMMENT ON COLUMN recordings.path IS 'what the user named';
COMMENT ON COLUMN recordings.kind IS 'file or bundle';
COMMENT ON COLUMN recordings.duration_us IS 'how long it is';
COMMENT ON COLUMN recordings.recorded_at_utc IS 'when it began';
COMMENT ON COLUMN recordings.recorded_at_source IS 'how that is known: session.json, container or file time';
COMMENT ON COLUMN recordings.priced_at_utc IS 'at which time''s prices it is priced';
COMMENT ON COLUMN recordings.turns IS 'where the requests are from: events, vad or rate';
COMMENT ON COLUMN recordings.has_audio IS 'whether it has an audio track';
COMMENT ON COLUMN recordings.damaged IS 'whether only part of it could be read';

CREATE TABLE warnings (
    recording INTEGER NOT NULL,
    warning VARCHAR NOT NULL
);
COMMENT ON TABLE warnings IS 'one row a warning';
COMMENT ON COLUMN warnings.recording IS 'which recording it is about';
COMMENT ON COLUMN warnings.warning IS 'its sentence';

CREATE TABLE tracks (
    recording INTEGER NOT NULL,
    track INTEGER NOT NULL,
    name VARCHAR NOT NULL,
    media VARCHAR NOT NULL,
    stream INTEGER NOT NULL,
    codec VARCHAR NOT NULL,
    frames BIGINT NOT NULL,
    fps DOUBLE NOT NULL,
    changes BIGINT
);
COMMENT ON TABLE tracks IS 'one row a video track';
COMMENT ON COLUMN tracks.recording IS 'its recording';
COMMENT ON COLUMN tracks.track IS 'its number in the recording, from 0';
COMMENT ON COLUMN tracks.name IS 'what a person would call it';
COMMENT ON COLUMN tracks.media IS 'the file that holds it';
COMMENT ON COLUMN tracks.stream IS 'its stream''s index in that file';
COMMENT ON COLUMN tracks.codec IS 'its codec, by FFmpeg''s name';
COMMENT ON COLUMN tracks.frames IS 'how many frames it has';
COMMENT ON COLUMN tracks.fps IS 'frames a second over its span';
COMMENT ON COLUMN tracks.changes IS 'how many visible changes were found; NULL where nobody looked';

CREATE TABLE frames (
    recording INTEGER NOT NULL,
    track INTEGER NOT NULL,
    frame INTEGER NOT NULL,
    t_us BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    keyframe BOOLEAN NOT NULL,
    width INTEGER NOT NULL,
    height INTEGER NOT NULL
);
COMMENT ON TABLE frames IS 'one row a frame of a track, in presentation order';
COMMENT ON COLUMN frames.recording IS 'its recording';
COMMENT ON COLUMN frames.track IS 'its track';
COMMENT ON COLUMN frames.frame IS 'its number in the track, from 0';
COMMENT ON COLUMN frames.t_us IS 'its time';
COMMENT ON COLUMN frames.size_bytes IS 'its encoded size';
COMMENT ON COLUMN frames.keyframe IS 'whether it can be decoded by itself';
COMMENT ON COLUMN frames.width IS 'displayed width in pixels';
COMMENT ON COLUMN frames.height IS 'displayed height in pixels';

CREATE TABLE changes (
    recording INTEGER NOT NULL,
    track INTEGER NOT NULL,
    t_us BIGINT NOT NULL
);
COMMENT ON TABLE changes IS 'one row a visible change; policies.coverage_method says how they were found';
COMMENT ON COLUMN changes.recording IS 'its recording';
COMMENT ON COLUMN changes.track IS 'its track';
COMMENT ON COLUMN changes.t_us IS 'its time';

CREATE TABLE requests (
    recording INTEGER NOT NULL,
    request INTEGER NOT NULL,
    t_us BIGINT NOT NULL
);
COMMENT ON TABLE requests IS 'one row a request to the model';
COMMENT ON COLUMN requests.recording IS 'its recording';
COMMENT ON COLUMN requests.request IS 'its number in the recording, from 0';
COMMENT ON COLUMN requests.t_us IS 'its time';

CREATE TABLE policies (
    recording INTEGER NOT NULL,
    policy VARCHAR NOT NULL,
    is_baseline BOOLEAN NOT NULL,
    is_cheapest BOOLEAN NOT NULL,
    model VARCHAR NOT NULL,
    detail VARCHAR NOT NULL,
    fps DOUBLE,
    window_frames INTEGER NOT NULL,
    side_px INTEGER,
    gate_percent DOUBLE,
    rule VARCHAR NOT NULL,
    tokens_per_frame BIGINT,
    kept BIGINT NOT NULL,
    coverage_method VARCHAR NOT NULL,
    changes BIGINT,
    seen BIGINT,
    coverage DOUBLE,
    delay_p50_s DOUBLE,
    delay_p95_s DOUBLE
);
COMMENT ON TABLE policies IS 'one row a policy of a recording, over all its tracks';
COMMENT ON COLUMN policies.recording IS 'its recording';
COMMENT ON COLUMN policies.policy IS 'its name, unique in the recording';
COMMENT ON COLUMN policies.is_baseline IS 'whether it is the source rate, which savings are measured against';
COMMENT ON COLUMN policies.is_cheapest IS 'whether a sweep chose it';
COMMENT ON COLUMN policies.model IS 'the model that is asked';
COMMENT ON COLUMN policies.detail IS 'how closely it is asked to look';
COMMENT ON COLUMN policies.fps IS 'frames kept a second; NULL keeps every frame';
COMMENT ON COLUMN policies.window_frames IS 'how many of the last kept frames a request takes';
COMMENT ON COLUMN policies.side_px IS 'longest side of a sent image; NULL sends each frame in its own size';
COMMENT ON COLUMN policies.gate_percent IS 'a frame is kept only if more of the picture changed; NULL without a gate';
COMMENT ON COLUMN policies.rule IS 'the image-token rule';
COMMENT ON COLUMN policies.tokens_per_frame IS 'tokens of one image; NULL where frames differ';
COMMENT ON COLUMN policies.kept IS 'how many frames it keeps';
COMMENT ON COLUMN policies.coverage_method IS 'how changes were found: decode, packets (an estimate) or off';
COMMENT ON COLUMN policies.changes IS 'how many visible changes there were';
COMMENT ON COLUMN policies.seen IS 'how many of them a kept frame shows before the next change';
COMMENT ON COLUMN policies.coverage IS 'the share seen, 0 to 1; NULL where there were none, or nobody looked';
COMMENT ON COLUMN policies.delay_p50_s IS 'median time from a seen change to the frame that shows it';
COMMENT ON COLUMN policies.delay_p95_s IS 'the 95th percentile of it';

CREATE TABLE kept (
    recording INTEGER NOT NULL,
    track INTEGER NOT NULL,
    policy VARCHAR NOT NULL,
    t_us BIGINT NOT NULL
);
COMMENT ON TABLE kept IS 'one row a frame that a policy keeps';
COMMENT ON COLUMN kept.recording IS 'its recording';
COMMENT ON COLUMN kept.track IS 'its track';
COMMENT ON COLUMN kept.policy IS 'the policy that keeps it';
COMMENT ON COLUMN kept.t_us IS 'its time, as in frames';

CREATE TABLE results (
    recording INTEGER NOT NULL,
    policy VARCHAR NOT NULL,
    meaning VARCHAR NOT NULL,
    sent BIGINT NOT NULL,
    tokens BIGINT NOT NULL,
    usd DECIMAL(38, 12),
    usd_per_min DECIMAL(38, 6),
    usd_per_hour DECIMAL(38, 6),
    saving DOUBLE
);
COMMENT ON TABLE results IS 'one row a policy of a recording in one meaning of cost, over all its tracks';
COMMENT ON COLUMN results.recording IS 'its recording';
COMMENT ON COLUMN results.policy IS 'its policy';
COMMENT ON COLUMN results.meaning IS 'every_frame, per_turn or history';
COMMENT ON COLUMN results.sent IS 'how many images are sent, each as often as it is';
COMMENT ON COLUMN results.tokens IS 'their tokens';
COMMENT ON COLUMN results.usd IS 'their price; NULL where there is none';
COMMENT ON COLUMN results.usd_per_min IS 'the price of a minute';
COMMENT ON COLUMN results.usd_per_hour IS 'the price of an hour';
COMMENT ON COLUMN results.saving IS 'the share saved against the baseline; negative where it costs more';
