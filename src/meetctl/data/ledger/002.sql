-- Sums of usage, added to with each batch in the batch's own transaction, so that asking what meetings cost never reads
-- all of it. A session has a row for each day, model, unit and basis, and again for each batch: to be summed once more.

CREATE TABLE store.spending (
    session UINTEGER NOT NULL,
    day DATE,
    provider VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    unit VARCHAR NOT NULL,
    basis VARCHAR NOT NULL,
    usage_rows BIGINT NOT NULL,
    priced_rows BIGINT NOT NULL,
    priced_image_rows BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    priced_uses BIGINT NOT NULL,
    measured DECIMAL(38, 18) NOT NULL,
    unpriced DECIMAL(38, 18) NOT NULL,
    usd DECIMAL(38, 18) NOT NULL,
    image_tokens BIGINT NOT NULL,
    image_usd DECIMAL(38, 18) NOT NULL
);
COMMENT ON COLUMN store.spending.priced_rows IS 'rows of usage with a price; priced_image_rows: whose images have one';
COMMENT ON COLUMN store.spending.unpriced IS 'the part of measured that has no price; usd is that of the rest';

INSERT INTO store.spending
SELECT session, ts::DATE, provider, model, unit, basis, count(*), count(usd), count(image_usd), count(*) FILTER (is_first),
       count(*) FILTER (is_first AND is_priced), sum(measured), coalesce(sum(measured) FILTER (usd IS NULL), 0),
       coalesce(sum(usd), 0), sum(image_tokens), coalesce(sum(image_usd), 0)
FROM store.usage
GROUP BY ALL;

CREATE OR REPLACE VIEW cost AS
SELECT session_id, tenant_id, room, day, provider, model, unit, basis, sum(uses)::BIGINT AS uses,
       CASE WHEN unit = 'minutes' THEN sum(measured) / 60 ELSE sum(measured) END::DOUBLE AS quantity,
       CASE WHEN sum(priced_rows) = sum(usage_rows) THEN sum(usd) END AS usd, sum(usd) AS priced_usd,
       sum(usage_rows - priced_rows)::BIGINT AS unpriced_rows, sum(image_tokens)::BIGINT AS image_tokens,
       CASE WHEN sum(priced_image_rows) = sum(usage_rows) THEN sum(image_usd) END AS image_usd
FROM store.spending JOIN store.sessions USING (session)
GROUP BY session_id, tenant_id, room, day, provider, model, unit, basis;
