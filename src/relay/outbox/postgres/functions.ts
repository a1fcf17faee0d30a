import { MAX_DELAY_MS } from '../outbox.ts'

/**
 * What has to see what others did until this very moment runs in the server, under one lock a tag: each statement of a
 * function sees what was committed before it, and a relay that freezes half-way holds nothing.
 * https://www.postgresql.org/docs/current/xfunc-volatility.html
 */
const LOCK = `PERFORM pg_advisory_xact_lock(hashtextextended('uetkit ' || tag, 0));
    moment := coalesce(given, (extract(epoch FROM clock_timestamp()) * 1000)::bigint);`

/** A lease lasts while its end is ahead, but not further than any lease may be: that only a clock set back can cause. */
const LASTS = `(until > moment AND until <= moment + ${MAX_DELAY_MS})`

const LEASED = `SELECT unnest(refs) FROM uetkit.lease WHERE tag_id = tag AND ${LASTS}`

/**
 * Answers the events taken and, in a last row without one, how long until another of the tag is due.
 *
 * The second part of what is due finds what only a clock that was set back can have left: nothing may wait that long.
 * Plans must not depend on how much waited when the server last looked.
 */
export const CLAIM_FUNCTION = `
  CREATE FUNCTION uetkit.claim(given bigint, tag text, most int, claim_id text, lease_ms bigint, max_bytes bigint)
  RETURNS TABLE (place bigint, ref text, id text, name text, body text, event_time float8, received_at float8,
    attempts int, wait float8)
  LANGUAGE plpgsql SET enable_seqscan = off SET enable_bitmapscan = off AS $function$
  #variable_conflict use_column
  DECLARE
    moment bigint;
    leased bigint[];
    ended bigint[];
    chosen bigint[];
    more boolean;
  BEGIN
    ${LOCK}

    -- Events of a lease that ended are due since then. Its holder may still settle them until somebody else has them,
    -- so it has to wait for us now.
    ended := ARRAY(
      SELECT unnest(refs) FROM (
        SELECT refs FROM uetkit.lease WHERE tag_id = tag AND NOT ${LASTS} FOR UPDATE
      ) AS locked
    );
    IF ended <> '{}' THEN
      UPDATE uetkit.waiting SET due_at = until
      FROM uetkit.lease, unnest(refs) AS late (ref)
      WHERE lease.tag_id = tag AND NOT ${LASTS}
        AND waiting.tag_id = tag AND waiting.ref = late.ref AND due_at <> until;
      DELETE FROM uetkit.lease WHERE tag_id = tag AND NOT ${LASTS}
        AND NOT EXISTS (SELECT FROM uetkit.waiting WHERE tag_id = tag AND ref = ANY (refs));
    END IF;
    leased := ARRAY(${LEASED});

    SELECT array_agg(ref ORDER BY place) FILTER (WHERE fits), coalesce(bool_or(NOT fits), false) INTO chosen, more
    FROM (
      SELECT ref, place, place <= most AND (place = 1 OR sum(size) OVER (ORDER BY place) <= max_bytes) AS fits
      FROM (
        SELECT ref, size, row_number() OVER (ORDER BY late, due_at, ref) AS place FROM (
          (SELECT ref, due_at, octet_length(body) AS size, 0 AS late FROM uetkit.waiting
           WHERE tag_id = tag AND due_at <= moment AND ref NOT IN (SELECT unnest(leased))
           ORDER BY due_at, ref LIMIT most + 1)
          UNION ALL
          (SELECT ref, due_at, octet_length(body), 1 FROM uetkit.waiting
           WHERE tag_id = tag AND due_at > moment + ${MAX_DELAY_MS} AND ref NOT IN (SELECT unnest(leased))
           ORDER BY due_at, ref LIMIT most + 1)
        ) AS found
      ) AS numbered
    ) AS measured;

    IF chosen IS NOT NULL THEN
      IF ended <> '{}' THEN
        UPDATE uetkit.lease SET refs = ARRAY(SELECT unnest(refs) EXCEPT SELECT unnest(chosen))
        WHERE tag_id = tag AND NOT ${LASTS};
      END IF;
      INSERT INTO uetkit.lease (tag_id, id, until, refs) VALUES (tag, claim_id, moment + lease_ms, chosen);
      RETURN QUERY
        SELECT n, waiting.ref::text, id, name, body, event_time::float8, received_at::float8, attempts, NULL::float8
        FROM unnest(chosen) WITH ORDINALITY AS taken (ref, n)
        JOIN uetkit.waiting ON tag_id = tag AND waiting.ref = taken.ref ORDER BY n;
    END IF;

    wait := CASE WHEN more THEN 0 ELSE least(
      (SELECT due_at - moment FROM uetkit.waiting WHERE tag_id = tag AND due_at > moment ORDER BY due_at LIMIT 1),
      (SELECT min(until) - moment FROM uetkit.lease
       WHERE tag_id = tag AND id <> claim_id AND ${LASTS}
         AND EXISTS (SELECT FROM uetkit.waiting WHERE tag_id = tag AND ref = ANY (refs)))
    ) END;
    place := NULL; ref := NULL;
    RETURN NEXT;
  END $function$;`

/** Moves events that waited for too long to the dead letters, at most so many. Answers how many. */
export const EXPIRE_FUNCTION = `
  CREATE FUNCTION uetkit.expire(given bigint, tag text, received_before bigint, most int) RETURNS int
  LANGUAGE plpgsql AS $function$
  #variable_conflict use_column
  DECLARE
    moment bigint;
    expired int;
  BEGIN
    ${LOCK}
    WITH gone AS (
      DELETE FROM uetkit.waiting USING (
        SELECT ref FROM uetkit.waiting
        WHERE tag_id = tag AND received_at < received_before AND ref NOT IN (${LEASED})
        LIMIT most FOR UPDATE SKIP LOCKED
      ) AS old
      WHERE waiting.tag_id = tag AND waiting.ref = old.ref RETURNING waiting.*
    ),
    buried AS (
      INSERT INTO uetkit.dead (tag_id, reason, died_at, attempts, received_at, event_time, id, name, subjects, body)
      SELECT tag_id, 'expired', moment, attempts, received_at, event_time, id, name, subjects, body FROM gone ORDER BY ref
    )
    SELECT count(*) INTO expired FROM gone;
    RETURN expired;
  END $function$;`
