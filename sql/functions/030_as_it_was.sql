-- What is imported changes; an answer about the past is given from what was known to hold then.
-- A state begins where the one before it ended, and with its import where there was none in between. The first one also
-- holds before it was imported, because since when it was so nobody said.
CREATE OR REPLACE FUNCTION gridmap.areas_at(at timestamptz DEFAULT now())
RETURNS TABLE (
    id bigint, source_id text, code text, name text, level text, parent_code text, area_kind text, provisional boolean,
    geom geometry
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT t.id, t.source_id, t.code, t.name, t.level, t.parent_code, t.area_kind, t.provisional, t.geom
    FROM gridmap.area t
    LEFT JOIN gridmap.import_run r ON r.id = t.import_id
    CROSS JOIN LATERAL (
        SELECT max(o.retired_at) AS ended FROM gridmap.area o
        WHERE o.source_id = t.source_id AND o.retired_at IS NOT NULL AND o.retired_at < coalesce(t.retired_at, 'infinity')
    ) former
    WHERE (t.retired_at IS NULL OR t.retired_at > coalesce(areas_at.at, now()))
      AND (former.ended IS NULL OR greatest(former.ended, r.at) <= coalesce(areas_at.at, now()))
$$;
COMMENT ON FUNCTION gridmap.areas_at(timestamptz) IS
    'Administrative areas with the names, parents and lines that they had at a time';

-- All states of the duties that may be shown: what is not public any more, or was taken out, is not told of the past
-- either. One that took another's place did so on its first day where it names a new one, else with its import.
CREATE OR REPLACE FUNCTION gridmap.public_duties()
RETURNS TABLE (
    id bigint, source_id text, grid_code text, building_source_id text, label text, role text, name text, phone text,
    from_date date, to_date date, since timestamptz, until timestamptz
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT t.id, t.source_id, t.grid_code, t.building_source_id, t.label, t.role,
           CASE WHEN l.id IS NULL OR l.name IS NOT NULL THEN t.name END,
           CASE WHEN l.id IS NULL OR l.phone IS NOT NULL THEN t.phone END,
           t.from_date, t.to_date,
           CASE WHEN former.ended IS NULL THEN NULL
                WHEN former.replaced AND t.from_date <> coalesce(former.from_date, '-infinity')
                THEN t.from_date::timestamp AT TIME ZONE z.name
                ELSE greatest(former.ended, r.at) END,
           CASE WHEN later.from_date <> coalesce(t.from_date, '-infinity')
                THEN later.from_date::timestamp AT TIME ZONE z.name
                ELSE t.retired_at END
    FROM gridmap.duty t
    CROSS JOIN (SELECT coalesce((SELECT j.time_zone FROM gridmap.jurisdiction j), 'Asia/Shanghai') AS name) z
    LEFT JOIN gridmap.import_run r ON r.id = t.import_id
    LEFT JOIN gridmap.duty l ON l.source_id = t.source_id AND l.retired_at IS NULL
    LEFT JOIN LATERAL (
        SELECT o.retired_at AS ended, o.from_date, o.archived_of IS NOT NULL AS replaced FROM gridmap.duty o
        WHERE o.source_id = t.source_id AND o.retired_at IS NOT NULL AND o.retired_at < coalesce(t.retired_at, 'infinity')
        ORDER BY o.retired_at DESC LIMIT 1
    ) former ON true
    LEFT JOIN LATERAL (
        SELECT o.from_date FROM gridmap.duty o
        WHERE t.archived_of IS NOT NULL AND o.source_id = t.source_id
          AND (o.retired_at IS NULL OR o.retired_at > t.retired_at)
        ORDER BY o.retired_at NULLS LAST LIMIT 1
    ) later ON true
    WHERE t.public AND coalesce(l.public, true)
$$;
COMMENT ON FUNCTION gridmap.public_duties() IS
    'Every state of every duty as far as it may be shown; it was so from since (null: always) until (null: now)';

CREATE OR REPLACE FUNCTION gridmap.duties_at(at timestamptz DEFAULT now())
RETURNS TABLE (
    id bigint, source_id text, grid_code text, building_source_id text, label text, role text, name text, phone text
)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT d.id, d.source_id, d.grid_code, d.building_source_id, d.label, d.role, d.name, d.phone
    FROM gridmap.public_duties() d
    CROSS JOIN (
        SELECT (coalesce(at, now()) AT TIME ZONE coalesce(
            (SELECT j.time_zone FROM gridmap.jurisdiction j), 'Asia/Shanghai'))::date AS day
    ) asked
    WHERE (d.since IS NULL OR d.since <= coalesce(at, now())) AND (d.until IS NULL OR d.until > coalesce(at, now()))
      AND (d.from_date IS NULL OR d.from_date <= asked.day) AND (d.to_date IS NULL OR d.to_date >= asked.day)
$$;
COMMENT ON FUNCTION gridmap.duties_at(timestamptz) IS
    'Who was on duty at a time by the duties'' own dates, as far as it may be shown';
