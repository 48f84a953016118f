-- The first schema of the ledger. Tables in `store` are private; the views are for people, and docs/ledger.md documents
-- them. `ts` is UTC; `t` is seconds on the media clock; money is US dollars, exact; NULL is "unknown" or "without a price",
-- never zero. Sessions are numbers in the tables, because ten million rows of names would be slow to join.

CREATE SCHEMA store;
CREATE SEQUENCE store.session_numbers;

CREATE TABLE store.meta (schema_version INTEGER NOT NULL, unreadable BIGINT NOT NULL);
INSERT INTO store.meta VALUES (1, 0);
COMMENT ON COLUMN store.meta.unreadable IS 'how many lines of journals were no events; one that is read again counts again';

CREATE TABLE store.journals (
    path VARCHAR PRIMARY KEY,
    device BIGINT NOT NULL,
    inode BIGINT NOT NULL,
    modified_ns BIGINT NOT NULL,
    folded_bytes BIGINT NOT NULL,
    fingerprint VARCHAR NOT NULL
);

CREATE TABLE store.sessions (
    session UINTEGER PRIMARY KEY,
    session_id VARCHAR NOT NULL UNIQUE,
    room VARCHAR,
    tenant_id VARCHAR,
    tenant_seq BIGINT,
    agent VARCHAR,
    version VARCHAR,
    started TIMESTAMP,
    last_ts TIMESTAMP,
    ended TIMESTAMP,
    has_ended BOOLEAN NOT NULL DEFAULT false,
    reason VARCHAR,
    duration_s DOUBLE,
    frames_seen BIGINT NOT NULL DEFAULT 0,
    frames_kept BIGINT NOT NULL DEFAULT 0,
    turns BIGINT NOT NULL DEFAULT 0,
    requests BIGINT NOT NULL DEFAULT 0,
    events BIGINT NOT NULL DEFAULT 0,
    last_seq BIGINT
);

CREATE TABLE store.events (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    ts TIMESTAMP,
    t DOUBLE,
    type VARCHAR NOT NULL,
    turn BIGINT,
    provider VARCHAR,
    model VARCHAR,
    outcome VARCHAR,
    reason VARCHAR,
    duration_ms DOUBLE,
    frames INTEGER,
    kept BIGINT
);

CREATE TABLE store.policies (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    from_us BIGINT NOT NULL,
    provider VARCHAR,
    model VARCHAR,
    detail VARCHAR,
    side BIGINT
);

CREATE TABLE store.frames (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    ts TIMESTAMP,
    frame VARCHAR,
    track VARCHAR,
    t_us BIGINT,
    width BIGINT,
    height BIGINT,
    detail VARCHAR,
    looked BOOLEAN NOT NULL
);

CREATE TABLE store.turn_starts (session UINTEGER NOT NULL, seq BIGINT NOT NULL, turn BIGINT, ts TIMESTAMP, t DOUBLE);

CREATE TABLE store.turn_ends (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    turn BIGINT,
    ts TIMESTAMP,
    t DOUBLE,
    outcome VARCHAR,
    requests BIGINT,
    transcript_s DOUBLE,
    end_of_turn_s DOUBLE,
    knowledge_s DOUBLE,
    llm_s DOUBLE,
    tts_s DOUBLE,
    total_s DOUBLE
);

CREATE TABLE store.requests (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    ts TIMESTAMP,
    t DOUBLE,
    type VARCHAR NOT NULL,
    turn BIGINT,
    request VARCHAR,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    outcome VARCHAR NOT NULL,
    billed BOOLEAN NOT NULL,
    basis VARCHAR NOT NULL,
    as_of_us BIGINT,
    images VARCHAR[],
    looked VARCHAR[],
    detail VARCHAR,
    image_tokens BIGINT NOT NULL,
    image_tokens_reconciled BIGINT,
    input_tokens BIGINT NOT NULL,
    cached_input_tokens BIGINT NOT NULL,
    output_tokens BIGINT NOT NULL
);

CREATE TABLE store.usage (
    session UINTEGER NOT NULL,
    seq BIGINT NOT NULL,
    ts TIMESTAMP,
    type VARCHAR NOT NULL,
    turn BIGINT,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    measured DECIMAL(38, 18) NOT NULL,
    usd DECIMAL(38, 18),
    basis VARCHAR NOT NULL,
    image_tokens BIGINT NOT NULL,
    image_usd DECIMAL(38, 18),
    is_first BOOLEAN NOT NULL,
    is_priced BOOLEAN NOT NULL
);
COMMENT ON COLUMN store.usage.measured IS 'in the unit, but for minutes in seconds, whose decimals end';
COMMENT ON COLUMN store.usage.is_first IS 'whether it is the first row of its event: such rows count uses';
COMMENT ON COLUMN store.usage.is_priced IS 'whether all rows of its event have a price';

CREATE VIEW sessions AS
SELECT session_id, tenant_id, room, agent, version, started, ended, has_ended, reason, duration_s, turns, requests,
       frames_seen, frames_kept, events, greatest(last_seq + 1 - events, 0) AS missing_events, last_ts
FROM store.sessions;

CREATE VIEW events AS
SELECT session_id, tenant_id, room, seq, e.ts, t, type, turn, provider, model, outcome, e.reason, duration_ms, frames, kept
FROM store.events e JOIN store.sessions USING (session);

CREATE VIEW turns AS
SELECT session_id, tenant_id, room, b.turn, b.ts AS started, b.t AS started_t, e.ts AS ended, e.t AS ended_t, outcome,
       e.requests, transcript_s, end_of_turn_s, knowledge_s, llm_s, tts_s, total_s
FROM store.turn_starts b
LEFT JOIN store.turn_ends e ON e.session = b.session AND e.turn = b.turn
JOIN store.sessions s ON s.session = b.session;

CREATE VIEW frames AS
SELECT session_id, tenant_id, room, seq, ts, frame, track, t_us, width, height, detail, looked
FROM store.frames JOIN store.sessions USING (session);

CREATE VIEW requests AS
SELECT session_id, tenant_id, room, seq, ts, t, type, turn, request, provider, model, outcome, billed, basis, as_of_us,
       images, looked, detail, image_tokens, image_tokens_reconciled, input_tokens, cached_input_tokens, output_tokens
FROM store.requests r JOIN store.sessions USING (session);

CREATE VIEW usage AS
SELECT session_id, tenant_id, room, seq, ts, ts::DATE AS day, type, turn, provider, model, unit,
       CASE WHEN unit = 'minutes' THEN measured / 60 ELSE measured END::DOUBLE AS quantity,
       measured, usd, basis, image_tokens, image_usd, is_first, is_priced
FROM store.usage u JOIN store.sessions USING (session);

CREATE VIEW cost AS
SELECT session_id, tenant_id, room, day, provider, model, unit, basis, count(*) FILTER (is_first) AS uses, sum(quantity) AS quantity,
       CASE WHEN count(usd) = count(*) THEN sum(usd) END AS usd, coalesce(sum(usd), 0) AS priced_usd,
       count(*) FILTER (usd IS NULL) AS unpriced_rows, sum(image_tokens)::BIGINT AS image_tokens,
       CASE WHEN count(image_usd) = count(*) THEN sum(image_usd) END AS image_usd
FROM usage
GROUP BY ALL;
