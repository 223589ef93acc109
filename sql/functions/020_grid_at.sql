-- Whose grid is this point? The twin of the answer in memory: decided on stored EPSG:4326 coordinates.
-- A point inside a footprint has the building's grid; else the leaf grid that covers it; of several the lowest code.
-- A point on a wall is decided like any other ground.
CREATE OR REPLACE FUNCTION gridmap.building_grids(edition integer)
RETURNS TABLE (building_id bigint, uid bigint)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT found.building_id, min(found.uid)
    FROM (
        SELECT c.building_id, a.uid
        FROM gridmap.assignment a
        JOIN gridmap.cell c ON c.id = a.cell_id
        WHERE c.building_id IS NOT NULL
          AND a.from_edition <= edition AND (a.to_edition IS NULL OR a.to_edition > edition)
        UNION ALL
        SELECT t.building_id, a.uid
        FROM gridmap.assignment a
        JOIN gridmap.cell_attachment t ON t.cell_id = a.cell_id
        WHERE a.from_edition <= edition AND (a.to_edition IS NULL OR a.to_edition > edition)
    ) found
    GROUP BY found.building_id
    HAVING min(found.uid) = max(found.uid)
$$;
COMMENT ON FUNCTION gridmap.building_grids(integer) IS
    'Leaf grid of each building in an edition; buildings whose cells lie in several grids are left to their polygons';

CREATE OR REPLACE FUNCTION gridmap.grid_at(point geometry, at timestamptz DEFAULT now())
RETURNS TABLE (uid bigint, code text, name text, edition_id integer)
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    WITH asked AS MATERIALIZED (
        SELECT public.st_setsrid(point, 4326) AS geom, gridmap.edition_at(at) AS edition
    ),
    standing AS MATERIALIZED (
        SELECT b.id FROM gridmap.building b, asked
        WHERE b.geom OPERATOR(public.&&) asked.geom AND public.st_containsproperly(b.geom, asked.geom)
    ),
    by_building AS (
        SELECT min(a.uid) AS uid
        FROM asked
        CROSS JOIN standing s
        JOIN LATERAL (
            SELECT c.id FROM gridmap.cell c WHERE c.building_id = s.id
            UNION ALL
            SELECT t.cell_id FROM gridmap.cell_attachment t WHERE t.building_id = s.id
        ) k ON true
        JOIN gridmap.assignment a ON a.cell_id = k.id
         AND a.from_edition <= asked.edition AND (a.to_edition IS NULL OR a.to_edition > asked.edition)
        GROUP BY s.id
        HAVING min(a.uid) = max(a.uid)
    ),
    found AS (
        SELECT g.uid, g.code, g.name, g.edition_id, 1 AS preference
        FROM asked
        JOIN gridmap.edition_grid g ON g.edition_id = asked.edition AND g.leaf
        JOIN by_building b ON b.uid = g.uid
        UNION ALL
        SELECT g.uid, g.code, g.name, g.edition_id, 2
        FROM asked
        JOIN gridmap.edition_grid g ON g.edition_id = asked.edition AND g.leaf
         AND g.geom OPERATOR(public.&&) asked.geom AND public.st_covers(g.geom, asked.geom)
    )
    SELECT f.uid, f.code, f.name, f.edition_id FROM found f ORDER BY f.preference, f.code COLLATE "C" LIMIT 1
$$;
COMMENT ON FUNCTION gridmap.grid_at(geometry, timestamptz) IS
    'Leaf grid at a point (EPSG:4326) in the edition in force at a time; no row when no grid is there';
