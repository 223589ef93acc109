-- What the migrations, functions and views make, as pg_dump writes it. Generated: ./dev bless.
CREATE SCHEMA gridmap;
CREATE FUNCTION gridmap.areas_at(at timestamp with time zone DEFAULT now()) RETURNS TABLE(id bigint, source_id text, code text, name text, level text, parent_code text, area_kind text, provisional boolean, geom public.geometry)
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
COMMENT ON FUNCTION gridmap.areas_at(at timestamp with time zone) IS 'Administrative areas with the names, parents and lines that they had at a time';
CREATE FUNCTION gridmap.building_grids(edition integer) RETURNS TABLE(building_id bigint, uid bigint)
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
COMMENT ON FUNCTION gridmap.building_grids(edition integer) IS 'Leaf grid of each building in an edition; buildings whose cells lie in several grids are left to their polygons';
CREATE FUNCTION gridmap.duties_at(at timestamp with time zone DEFAULT now()) RETURNS TABLE(id bigint, source_id text, grid_code text, building_source_id text, label text, role text, name text, phone text)
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
COMMENT ON FUNCTION gridmap.duties_at(at timestamp with time zone) IS 'Who was on duty at a time by the duties'' own dates, as far as it may be shown';
CREATE FUNCTION gridmap.edition_at(at timestamp with time zone DEFAULT now()) RETURNS integer
    LANGUAGE sql STABLE PARALLEL SAFE
    AS $$
    SELECT e.id FROM gridmap.edition e WHERE e.effective_from <= at ORDER BY e.effective_from DESC LIMIT 1
$$;
COMMENT ON FUNCTION gridmap.edition_at(at timestamp with time zone) IS 'Edition in force at a time; null before the first';
CREATE FUNCTION gridmap.grid_at(point public.geometry, at timestamp with time zone DEFAULT now()) RETURNS TABLE(uid bigint, code text, name text, edition_id integer)
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
COMMENT ON FUNCTION gridmap.grid_at(point public.geometry, at timestamp with time zone) IS 'Leaf grid at a point (EPSG:4326) in the edition in force at a time; no row when no grid is there';
CREATE FUNCTION gridmap.public_duties() RETURNS TABLE(id bigint, source_id text, grid_code text, building_source_id text, label text, role text, name text, phone text, from_date date, to_date date, since timestamp with time zone, until timestamp with time zone)
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
COMMENT ON FUNCTION gridmap.public_duties() IS 'Every state of every duty as far as it may be shown; it was so from since (null: always) until (null: now)';
CREATE TABLE gridmap.alembic_version (
    version_num character varying(32) NOT NULL
);
CREATE TABLE gridmap.area (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    code text,
    name text NOT NULL,
    level text NOT NULL,
    parent_code text,
    area_kind text,
    provisional boolean DEFAULT false NOT NULL,
    geom public.geometry(Geometry,4326) NOT NULL,
    geom_3857 public.geometry(Geometry,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at timestamp with time zone,
    archived_of bigint
);
COMMENT ON TABLE gridmap.area IS 'Administrative areas as imported: official lines, or named points where no line is known';
COMMENT ON COLUMN gridmap.area.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.area.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.area.level IS 'jurisdiction, town or community';
COMMENT ON COLUMN gridmap.area.area_kind IS 'urban or rural';
COMMENT ON COLUMN gridmap.area.provisional IS 'grown from named points';
COMMENT ON COLUMN gridmap.area.geom IS 'official line, or a point';
COMMENT ON COLUMN gridmap.area.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.area.archived_of IS 'this row is a former state of the row of that id';
ALTER TABLE gridmap.area ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.area_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.assignment (
    cell_id bigint NOT NULL,
    from_edition integer NOT NULL,
    to_edition integer,
    uid bigint NOT NULL,
    CONSTRAINT assignment_order_check CHECK ((to_edition > from_edition))
);
COMMENT ON TABLE gridmap.assignment IS 'Which leaf grid a cell belongs to, from edition to edition';
COMMENT ON COLUMN gridmap.assignment.to_edition IS 'first edition in which it no longer holds; null while it holds';
CREATE TABLE gridmap.block (
    id bigint NOT NULL,
    key text NOT NULL,
    kind text NOT NULL,
    area_code text,
    legacy_code text,
    geom public.geometry(Polygon,4326) NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.block IS 'Faces of the street network';
COMMENT ON COLUMN gridmap.block.key IS 'fingerprint of the geometry';
COMMENT ON COLUMN gridmap.block.kind IS 'land or water';
COMMENT ON COLUMN gridmap.block.legacy_code IS 'where imported grid lines cut it: codes in the sets, separated by |';
ALTER TABLE gridmap.block ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.block_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.building (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    estate text,
    number text,
    name text,
    use text,
    storeys integer,
    height_m double precision,
    entrances integer,
    street text,
    house_number text,
    generated boolean DEFAULT false NOT NULL,
    households integer,
    people integer,
    figure_basis text,
    figure_date date,
    figure_source text,
    estimated boolean,
    geom public.geometry(MultiPolygon,4326) NOT NULL,
    geom_3857 public.geometry(MultiPolygon,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone,
    archived_of bigint
);
COMMENT ON TABLE gridmap.building IS 'Buildings; the former footprint of a changed one is kept as a retired row of its own';
COMMENT ON COLUMN gridmap.building.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.building.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.building.number IS 'building number within the estate';
COMMENT ON COLUMN gridmap.building.generated IS 'generated, not surveyed';
COMMENT ON COLUMN gridmap.building.figure_basis IS 'registered or resident';
COMMENT ON COLUMN gridmap.building.estimated IS 'households and people are estimates';
COMMENT ON COLUMN gridmap.building.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.building.archived_of IS 'this row is a former state of the row of that id';
ALTER TABLE gridmap.building ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.building_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.candidate (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text NOT NULL,
    property_kind text,
    address text,
    floor_area_m2 double precision,
    geom public.geometry(Point,4326) NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.candidate IS 'Properties where a station could be';
COMMENT ON COLUMN gridmap.candidate.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.candidate.import_id IS 'the import that wrote it';
ALTER TABLE gridmap.candidate ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.candidate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.cell (
    id bigint NOT NULL,
    key text NOT NULL,
    block_id bigint NOT NULL,
    kind text NOT NULL,
    building_id bigint,
    part integer DEFAULT 0 NOT NULL,
    area_code text,
    legacy_code text,
    area_m2 double precision NOT NULL,
    geom public.geometry(Polygon,4326) NOT NULL,
    point public.geometry(Point,4326) NOT NULL,
    geom_3857 public.geometry(Polygon,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.cell IS 'The smallest pieces of land that planners assign; live ones tile every community';
COMMENT ON COLUMN gridmap.cell.key IS 'fingerprint of the geometry and building';
COMMENT ON COLUMN gridmap.cell.kind IS 'building, open, open_synthetic or water';
COMMENT ON COLUMN gridmap.cell.building_id IS 'many cells may share a building';
COMMENT ON COLUMN gridmap.cell.part IS 'body or entrance of the building';
COMMENT ON COLUMN gridmap.cell.area_code IS 'code of the community';
COMMENT ON COLUMN gridmap.cell.legacy_code IS 'codes in the imported grid sets, separated by |';
COMMENT ON COLUMN gridmap.cell.point IS 'inside the cell';
COMMENT ON COLUMN gridmap.cell.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
CREATE TABLE gridmap.cell_attachment (
    cell_id bigint NOT NULL,
    building_id bigint NOT NULL,
    reason text NOT NULL
);
COMMENT ON TABLE gridmap.cell_attachment IS 'Buildings without a cell of their own: sheds and duplicate outlines, and the cell that they belong to';
COMMENT ON COLUMN gridmap.cell_attachment.reason IS 'small, duplicate';
CREATE TABLE gridmap.cell_edge (
    a bigint NOT NULL,
    b bigint NOT NULL,
    length_m double precision NOT NULL,
    street_class text,
    street_name text,
    synthetic boolean DEFAULT false NOT NULL,
    CONSTRAINT cell_edge_order_check CHECK ((a < b))
);
COMMENT ON TABLE gridmap.cell_edge IS 'Live cells that share a border, its length, and the street on it';
ALTER TABLE gridmap.cell ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.cell_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.cell_lineage (
    old_id bigint NOT NULL,
    new_id bigint NOT NULL,
    share double precision NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE gridmap.cell_lineage IS 'What became of replaced cells';
COMMENT ON COLUMN gridmap.cell_lineage.share IS 'share of the old cell''s area that the new one took';
CREATE TABLE gridmap.change_log (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text NOT NULL,
    what text NOT NULL,
    detail jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON TABLE gridmap.change_log IS 'Every write: who, when, what; only ever appended to';
COMMENT ON COLUMN gridmap.change_log.who IS 'operating system user or token name, never told by the client';
ALTER TABLE gridmap.change_log ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.change_log_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.cut_line (
    id bigint NOT NULL,
    plan_id bigint,
    who text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    geom public.geometry(LineString,4326) NOT NULL
);
COMMENT ON TABLE gridmap.cut_line IS 'Lines along which planners divided land; cells are made anew with them';
COMMENT ON COLUMN gridmap.cut_line.who IS 'operating system user or token name, never told by the client';
ALTER TABLE gridmap.cut_line ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.cut_line_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.duty (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    label text NOT NULL,
    role text NOT NULL,
    grid_code text,
    grid_uid bigint,
    building_source_id text,
    name text,
    phone text,
    public boolean DEFAULT false NOT NULL,
    from_date date,
    to_date date,
    retired_at timestamp with time zone,
    archived_of bigint
);
COMMENT ON TABLE gridmap.duty IS 'Who is on duty for a grid or a building';
COMMENT ON COLUMN gridmap.duty.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.duty.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.duty.label IS 'title shown to the public';
COMMENT ON COLUMN gridmap.duty.grid_uid IS 'that grid, known since an edition came into force; it stays when the grid ends';
COMMENT ON COLUMN gridmap.duty.name IS 'personal; only with --with-contacts';
COMMENT ON COLUMN gridmap.duty.phone IS 'personal; only with --with-contacts';
COMMENT ON COLUMN gridmap.duty.archived_of IS 'this row is a former state of the row of that id';
ALTER TABLE gridmap.duty ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.duty_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.edition (
    id integer NOT NULL,
    name text NOT NULL,
    effective_from timestamp with time zone NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    made_by text NOT NULL,
    set_id bigint,
    activated_at timestamp with time zone
);
COMMENT ON TABLE gridmap.edition IS 'Sets of grids; the one in force at a time is the last whose effective_from has come';
COMMENT ON COLUMN gridmap.edition.id IS '1, 2, 3 …: one line of editions';
COMMENT ON COLUMN gridmap.edition.set_id IS 'the imported polygons it came from';
COMMENT ON COLUMN gridmap.edition.activated_at IS 'when requests and duties followed it; null: not yet';
CREATE TABLE gridmap.edition_grid (
    edition_id integer NOT NULL,
    uid bigint NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    level integer NOT NULL,
    leaf boolean NOT NULL,
    grid_kind text NOT NULL,
    parent_uid bigint,
    community_code text,
    households integer DEFAULT 0 NOT NULL,
    households_estimated integer DEFAULT 0 NOT NULL,
    people integer DEFAULT 0 NOT NULL,
    buildings integer DEFAULT 0 NOT NULL,
    area_m2 double precision DEFAULT 0 NOT NULL,
    pieces integer DEFAULT 1 NOT NULL,
    colour integer DEFAULT 0 NOT NULL,
    label_lon double precision,
    label_lat double precision,
    label_radius_m double precision,
    geom public.geometry(MultiPolygon,4326) NOT NULL,
    geom_3857 public.geometry(MultiPolygon,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED
);
COMMENT ON TABLE gridmap.edition_grid IS 'The grids of an edition with their polygons, totals, names, codes and parents';
COMMENT ON COLUMN gridmap.edition_grid.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
CREATE SEQUENCE gridmap.edition_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
ALTER SEQUENCE gridmap.edition_id_seq OWNED BY gridmap.edition.id;
CREATE TABLE gridmap.estate (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text NOT NULL,
    aliases text[] DEFAULT '{}'::text[] NOT NULL,
    estate_type text,
    property_management text,
    walled boolean,
    gates public.geometry(MultiPoint,4326),
    added_gates public.geometry(MultiPoint,4326),
    geom public.geometry(MultiPolygon,4326) NOT NULL,
    geom_3857 public.geometry(MultiPolygon,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.estate IS 'Residential compounds (小区)';
COMMENT ON COLUMN gridmap.estate.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.estate.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.estate.added_gates IS 'gates that a person added on the map; imports leave them alone';
COMMENT ON COLUMN gridmap.estate.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
ALTER TABLE gridmap.estate ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.estate_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.grid (
    uid bigint NOT NULL,
    first_code text NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE gridmap.grid IS 'The identity of a grid through editions';
CREATE TABLE gridmap.grid_lineage (
    edition_id integer NOT NULL,
    old_uid bigint NOT NULL,
    new_uid bigint NOT NULL,
    households integer NOT NULL
);
COMMENT ON TABLE gridmap.grid_lineage IS 'From which grids of the edition before the households of each grid came';
CREATE TABLE gridmap.grid_set (
    id bigint NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    effective_from timestamp with time zone,
    import_id bigint,
    made_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE gridmap.grid_set IS 'A set of grid polygons as imported, waiting to become an edition or a plan';
COMMENT ON COLUMN gridmap.grid_set.purpose IS 'edition or plan';
COMMENT ON COLUMN gridmap.grid_set.effective_from IS 'when the edition comes into force; null for a plan';
ALTER TABLE gridmap.grid_set ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.grid_set_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.grid_set_row (
    set_id bigint NOT NULL,
    code text NOT NULL,
    name text,
    level integer NOT NULL,
    grid_kind text,
    parent_code text,
    community_code text,
    geom public.geometry(MultiPolygon,4326) NOT NULL
);
COMMENT ON TABLE gridmap.grid_set_row IS 'One polygon of a grid set';
ALTER TABLE gridmap.grid ALTER COLUMN uid ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.grid_uid_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.household_count (
    id bigint NOT NULL,
    import_id bigint,
    building_source_id text,
    estate text,
    number text,
    households integer NOT NULL,
    people integer,
    basis text NOT NULL,
    figure_date date NOT NULL,
    figure_source text,
    estimated boolean DEFAULT false NOT NULL
);
COMMENT ON TABLE gridmap.household_count IS 'Counted households and people as imported; figures of buildings are worked out from them';
ALTER TABLE gridmap.household_count ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.household_count_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.import_run (
    id bigint NOT NULL,
    kind text NOT NULL,
    file_name text NOT NULL,
    file_sha256 text,
    at timestamp with time zone DEFAULT now() NOT NULL,
    who text NOT NULL,
    counts jsonb DEFAULT '{}'::jsonb NOT NULL
);
COMMENT ON TABLE gridmap.import_run IS 'History of imports';
ALTER TABLE gridmap.import_run ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.import_run_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.job (
    id bigint NOT NULL,
    kind text NOT NULL,
    input jsonb DEFAULT '{}'::jsonb NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    percent double precision DEFAULT 0 NOT NULL,
    message_zh text DEFAULT ''::text NOT NULL,
    message_en text DEFAULT ''::text NOT NULL,
    who text NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    started_at timestamp with time zone,
    heartbeat_at timestamp with time zone,
    ended_at timestamp with time zone,
    cancel_requested boolean DEFAULT false NOT NULL,
    attempt integer DEFAULT 0 NOT NULL,
    result jsonb,
    error jsonb,
    CONSTRAINT job_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'running'::text, 'done'::text, 'failed'::text, 'cancelled'::text, 'interrupted'::text])))
);
COMMENT ON TABLE gridmap.job IS 'Long work: percent, message, cancel, result';
COMMENT ON COLUMN gridmap.job.error IS 'code and the sentence in zh and en';
ALTER TABLE gridmap.job ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.job_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.jurisdiction (
    singleton boolean DEFAULT true NOT NULL,
    code text,
    name text,
    time_zone text DEFAULT 'Asia/Shanghai'::text NOT NULL,
    metric_srid integer,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT jurisdiction_single_check CHECK (singleton)
);
COMMENT ON TABLE gridmap.jurisdiction IS 'The county, district or city that this database serves';
COMMENT ON COLUMN gridmap.jurisdiction.singleton IS 'one database is one jurisdiction';
COMMENT ON COLUMN gridmap.jurisdiction.code IS '6-digit division code';
COMMENT ON COLUMN gridmap.jurisdiction.metric_srid IS 'EPSG code in which lengths and areas are measured';
CREATE TABLE gridmap.landuse (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text,
    landuse text NOT NULL,
    geom public.geometry(MultiPolygon,4326) NOT NULL,
    geom_3857 public.geometry(MultiPolygon,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.landuse IS 'Parks, fields and other land use, for the map';
COMMENT ON COLUMN gridmap.landuse.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.landuse.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.landuse.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
ALTER TABLE gridmap.landuse ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.landuse_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.net_area (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    net text NOT NULL,
    department text,
    code text,
    name text NOT NULL,
    geom public.geometry(MultiPolygon,4326) NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.net_area IS 'Departments'' own areas (nets); they never answer whose grid a place is';
COMMENT ON COLUMN gridmap.net_area.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.net_area.import_id IS 'the import that wrote it';
ALTER TABLE gridmap.net_area ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.net_area_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.open_finding (
    id bigint NOT NULL,
    rule text NOT NULL,
    severity text NOT NULL,
    subject text NOT NULL,
    message_zh text NOT NULL,
    message_en text NOT NULL,
    repair_zh text,
    repair_en text,
    lon double precision,
    lat double precision,
    origin text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE gridmap.open_finding IS 'What the making of cells and the carrying over of changes could not decide';
COMMENT ON COLUMN gridmap.open_finding.origin IS 'cells, update or households';
ALTER TABLE gridmap.open_finding ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.open_finding_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.place (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text NOT NULL,
    place_type text,
    category text,
    building_source_id text,
    geom public.geometry(Geometry,4326) NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.place IS 'Firms, shops, institutions, settlements';
COMMENT ON COLUMN gridmap.place.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.place.import_id IS 'the import that wrote it';
ALTER TABLE gridmap.place ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.place_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.plan (
    id bigint NOT NULL,
    title text NOT NULL,
    base_edition integer NOT NULL,
    state text DEFAULT 'draft'::text NOT NULL,
    revision integer DEFAULT 0 NOT NULL,
    owner text NOT NULL,
    set_id bigint,
    fingerprint text,
    approved_by text,
    edition_id integer,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT plan_state_check CHECK ((state = ANY (ARRAY['draft'::text, 'submitted'::text, 'approved'::text, 'active'::text, 'superseded'::text])))
);
COMMENT ON TABLE gridmap.plan IS 'Drafts that start from an edition';
COMMENT ON COLUMN gridmap.plan.revision IS 'number of the last operation';
COMMENT ON COLUMN gridmap.plan.fingerprint IS 'of the state that was approved';
COMMENT ON COLUMN gridmap.plan.edition_id IS 'the edition that it became';
CREATE TABLE gridmap.plan_assignment (
    plan_id bigint NOT NULL,
    cell_id bigint NOT NULL,
    grid_key bigint NOT NULL
);
COMMENT ON TABLE gridmap.plan_assignment IS 'Where a plan differs now from the edition that it started from';
COMMENT ON COLUMN gridmap.plan_assignment.grid_key IS 'leaf grid as in plan_grid; 0: in no grid';
CREATE TABLE gridmap.plan_comment (
    id bigint NOT NULL,
    plan_id bigint NOT NULL,
    revision integer NOT NULL,
    who text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    words text NOT NULL,
    grid_key bigint,
    lon double precision,
    lat double precision,
    settled_at timestamp with time zone,
    settled_by text
);
COMMENT ON TABLE gridmap.plan_comment IS 'What people say about a plan, one of its grids or a point; never changed, only settled';
COMMENT ON COLUMN gridmap.plan_comment.revision IS 'revision of the plan that it is about';
COMMENT ON COLUMN gridmap.plan_comment.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_comment.grid_key IS 'grid as in plan_grid; null: not about a grid';
ALTER TABLE gridmap.plan_comment ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.plan_comment_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.plan_grid (
    plan_id bigint NOT NULL,
    grid_key bigint NOT NULL,
    code text NOT NULL,
    name text NOT NULL,
    level integer NOT NULL,
    leaf boolean NOT NULL,
    grid_kind text NOT NULL,
    parent_key bigint,
    community_code text,
    locked boolean DEFAULT false NOT NULL,
    ended boolean DEFAULT false NOT NULL
);
COMMENT ON TABLE gridmap.plan_grid IS 'Grids that a plan made, changed or ended, as they are now';
COMMENT ON COLUMN gridmap.plan_grid.grid_key IS 'uid of a grid of the edition; -1, -2 …: a new grid';
COMMENT ON COLUMN gridmap.plan_grid.ended IS 'merged away, or never kept';
ALTER TABLE gridmap.plan ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.plan_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.plan_operation (
    plan_id bigint NOT NULL,
    seq integer NOT NULL,
    kind text NOT NULL,
    who text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    gesture jsonb NOT NULL,
    effect jsonb NOT NULL,
    inverse_of integer,
    score jsonb
);
COMMENT ON TABLE gridmap.plan_operation IS 'The operations of plans: only ever appended to; replayed from their effects';
COMMENT ON COLUMN gridmap.plan_operation.seq IS '1, 2, 3 …: the revision that it made';
COMMENT ON COLUMN gridmap.plan_operation.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_operation.gesture IS 'what was asked for';
COMMENT ON COLUMN gridmap.plan_operation.effect IS 'which cells went from grid to grid, what of grids changed';
COMMENT ON COLUMN gridmap.plan_operation.inverse_of IS 'the operation that an undo or redo takes back';
COMMENT ON COLUMN gridmap.plan_operation.score IS 'scores of the plan after it, by the targets of that time; null where no planner did it';
CREATE TABLE gridmap.plan_proposal (
    id bigint NOT NULL,
    plan_id bigint NOT NULL,
    revision integer NOT NULL,
    who text NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    asked jsonb NOT NULL,
    complete boolean NOT NULL,
    found jsonb NOT NULL
);
COMMENT ON TABLE gridmap.plan_proposal IS 'What the program proposed for a plan; taking a candidate is an operation of the plan';
COMMENT ON COLUMN gridmap.plan_proposal.revision IS 'revision of the plan that it was worked out on';
COMMENT ON COLUMN gridmap.plan_proposal.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_proposal.asked IS 'mode, scope, seed: enough to make the same again';
COMMENT ON COLUMN gridmap.plan_proposal.complete IS 'false: stopped by a person, the best so far';
COMMENT ON COLUMN gridmap.plan_proposal.found IS 'figures, bound, candidates with their operations';
ALTER TABLE gridmap.plan_proposal ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.plan_proposal_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.request (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    import_id bigint,
    source text NOT NULL,
    source_ref text NOT NULL,
    channel text NOT NULL,
    category text,
    title text,
    description text,
    state text DEFAULT 'received'::text NOT NULL,
    input_lon double precision,
    input_lat double precision,
    input_crs text,
    accuracy_m double precision,
    address_text text,
    geom public.geometry(Point,4326),
    building_id bigint,
    method text,
    edition_id integer,
    reported_uid bigint,
    current_uid bigint,
    parent_code text,
    near_boundary boolean,
    boundary_m double precision,
    reason text,
    reported_at timestamp with time zone NOT NULL,
    closed_at timestamp with time zone
);
COMMENT ON TABLE gridmap.request IS 'What residents, hotline and patrols reported at a place';
COMMENT ON COLUMN gridmap.request.method IS 'building, point, parent; null: not located';
COMMENT ON COLUMN gridmap.request.reported_uid IS 'grid at the report; never changes';
COMMENT ON COLUMN gridmap.request.current_uid IS 'grid responsible now';
COMMENT ON COLUMN gridmap.request.parent_code IS 'where no leaf grid answers: the area that receives it';
COMMENT ON COLUMN gridmap.request.reason IS 'why it is not located';
CREATE TABLE gridmap.scenario (
    id bigint NOT NULL,
    title text NOT NULL,
    owner text NOT NULL,
    revision integer DEFAULT 1 NOT NULL,
    changes jsonb DEFAULT '[]'::jsonb NOT NULL,
    made_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    applied_at timestamp with time zone
);
COMMENT ON TABLE gridmap.scenario IS 'What if: named sets of changes to stations and streets; nothing is real until one is applied';
COMMENT ON COLUMN gridmap.scenario.revision IS 'counts every change of it';
COMMENT ON COLUMN gridmap.scenario.changes IS 'what would be different';
COMMENT ON COLUMN gridmap.scenario.applied_at IS 'when its changes became real';
ALTER TABLE gridmap.scenario ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.scenario_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.station (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text NOT NULL,
    station_kind text NOT NULL,
    tier integer,
    services text[] DEFAULT '{}'::text[] NOT NULL,
    opening_hours text,
    tenure text,
    rooms text[] DEFAULT '{}'::text[] NOT NULL,
    address text,
    check_code boolean,
    check_sign boolean,
    check_facilities boolean,
    check_mechanism boolean,
    check_team boolean,
    check_activities boolean,
    check_services boolean,
    check_guarantee boolean,
    geom public.geometry(Point,4326) NOT NULL,
    retired_at timestamp with time zone
);
COMMENT ON TABLE gridmap.station IS 'Places that serve residents';
COMMENT ON COLUMN gridmap.station.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.station.import_id IS 'the import that wrote it';
ALTER TABLE gridmap.station ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.station_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.street (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text,
    highway text,
    railway text,
    service text,
    bridge boolean DEFAULT false NOT NULL,
    tunnel boolean DEFAULT false NOT NULL,
    covered boolean DEFAULT false NOT NULL,
    layer integer DEFAULT 0 NOT NULL,
    foot text,
    access text,
    geom public.geometry(MultiLineString,4326) NOT NULL,
    geom_3857 public.geometry(MultiLineString,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at timestamp with time zone,
    archived_of bigint
);
COMMENT ON TABLE gridmap.street IS 'Streets and railways';
COMMENT ON COLUMN gridmap.street.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.street.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.street.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.street.archived_of IS 'this row is a former state of the row of that id';
CREATE TABLE gridmap.street_attachment (
    thing_kind text NOT NULL,
    thing_id bigint NOT NULL,
    ordinal integer NOT NULL,
    street_id bigint NOT NULL,
    measure_m double precision NOT NULL,
    off_m double precision NOT NULL,
    via integer NOT NULL,
    gate public.geometry(Point,4326)
);
COMMENT ON TABLE gridmap.street_attachment IS 'Where the points for walking meet the streets; kept until the thing or what is near it changes';
COMMENT ON COLUMN gridmap.street_attachment.ordinal IS 'several where an estate has several gates';
COMMENT ON COLUMN gridmap.street_attachment.measure_m IS 'metres along the street';
COMMENT ON COLUMN gridmap.street_attachment.off_m IS 'metres between door and street, through the gate where there is one';
COMMENT ON COLUMN gridmap.street_attachment.via IS '0 straight, 1 through a gate, 2 through a gate that is assumed';
ALTER TABLE gridmap.street ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.street_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE gridmap.version (
    name text NOT NULL,
    value bigint DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL
);
COMMENT ON TABLE gridmap.version IS 'Counters that readers compare to know whether what they hold is stale';
CREATE TABLE gridmap.walk_point (
    thing_kind text NOT NULL,
    thing_id bigint NOT NULL,
    reason integer NOT NULL,
    nearest_m double precision,
    estate_id bigint,
    mark text NOT NULL,
    geom public.geometry(Point,4326) NOT NULL,
    CONSTRAINT walk_point_kind_check CHECK ((thing_kind = ANY (ARRAY['building'::text, 'station'::text, 'candidate'::text])))
);
COMMENT ON TABLE gridmap.walk_point IS 'Buildings, stations and candidates as points for walking, attached to the streets or not, and why not';
COMMENT ON COLUMN gridmap.walk_point.thing_kind IS 'building, station or candidate';
COMMENT ON COLUMN gridmap.walk_point.reason IS '0 attached, 1 too far from streets, 2 behind a barrier';
COMMENT ON COLUMN gridmap.walk_point.nearest_m IS 'metres to the nearest walkable street; null: there is none';
COMMENT ON COLUMN gridmap.walk_point.estate_id IS 'the walled estate that it stands in';
COMMENT ON COLUMN gridmap.walk_point.mark IS 'fingerprint of the rules by which it was attached';
COMMENT ON COLUMN gridmap.walk_point.geom IS 'where people start or end';
CREATE TABLE gridmap.water (
    id bigint NOT NULL,
    source_id text NOT NULL,
    import_id bigint,
    name text,
    water_kind text NOT NULL,
    tunnel boolean DEFAULT false NOT NULL,
    geom public.geometry(Geometry,4326) NOT NULL,
    geom_3857 public.geometry(Geometry,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at timestamp with time zone,
    archived_of bigint
);
COMMENT ON TABLE gridmap.water IS 'Rivers, canals, lakes: polygons and lines';
COMMENT ON COLUMN gridmap.water.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.water.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.water.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.water.archived_of IS 'this row is a former state of the row of that id';
ALTER TABLE gridmap.water ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME gridmap.water_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
ALTER TABLE ONLY gridmap.edition ALTER COLUMN id SET DEFAULT nextval('gridmap.edition_id_seq'::regclass);
ALTER TABLE ONLY gridmap.alembic_version
    ADD CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num);
ALTER TABLE ONLY gridmap.area
    ADD CONSTRAINT area_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.assignment
    ADD CONSTRAINT assignment_pkey PRIMARY KEY (cell_id, from_edition);
ALTER TABLE ONLY gridmap.block
    ADD CONSTRAINT block_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.building
    ADD CONSTRAINT building_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.candidate
    ADD CONSTRAINT candidate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.cell_attachment
    ADD CONSTRAINT cell_attachment_pkey PRIMARY KEY (cell_id, building_id);
ALTER TABLE ONLY gridmap.cell_edge
    ADD CONSTRAINT cell_edge_pkey PRIMARY KEY (a, b);
ALTER TABLE ONLY gridmap.cell_lineage
    ADD CONSTRAINT cell_lineage_pkey PRIMARY KEY (old_id, new_id);
ALTER TABLE ONLY gridmap.cell
    ADD CONSTRAINT cell_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.change_log
    ADD CONSTRAINT change_log_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.cut_line
    ADD CONSTRAINT cut_line_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.duty
    ADD CONSTRAINT duty_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.edition_grid
    ADD CONSTRAINT edition_grid_pkey PRIMARY KEY (edition_id, uid);
ALTER TABLE ONLY gridmap.edition
    ADD CONSTRAINT edition_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.estate
    ADD CONSTRAINT estate_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.grid_lineage
    ADD CONSTRAINT grid_lineage_pkey PRIMARY KEY (edition_id, old_uid, new_uid);
ALTER TABLE ONLY gridmap.grid
    ADD CONSTRAINT grid_pkey PRIMARY KEY (uid);
ALTER TABLE ONLY gridmap.grid_set
    ADD CONSTRAINT grid_set_name_key UNIQUE (name);
ALTER TABLE ONLY gridmap.grid_set
    ADD CONSTRAINT grid_set_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.grid_set_row
    ADD CONSTRAINT grid_set_row_pkey PRIMARY KEY (set_id, code);
ALTER TABLE ONLY gridmap.household_count
    ADD CONSTRAINT household_count_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.import_run
    ADD CONSTRAINT import_run_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.job
    ADD CONSTRAINT job_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.jurisdiction
    ADD CONSTRAINT jurisdiction_pkey PRIMARY KEY (singleton);
ALTER TABLE ONLY gridmap.landuse
    ADD CONSTRAINT landuse_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.net_area
    ADD CONSTRAINT net_area_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.open_finding
    ADD CONSTRAINT open_finding_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.place
    ADD CONSTRAINT place_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.plan_assignment
    ADD CONSTRAINT plan_assignment_pkey PRIMARY KEY (plan_id, cell_id);
ALTER TABLE ONLY gridmap.plan_comment
    ADD CONSTRAINT plan_comment_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.plan_grid
    ADD CONSTRAINT plan_grid_pkey PRIMARY KEY (plan_id, grid_key);
ALTER TABLE ONLY gridmap.plan_operation
    ADD CONSTRAINT plan_operation_pkey PRIMARY KEY (plan_id, seq);
ALTER TABLE ONLY gridmap.plan
    ADD CONSTRAINT plan_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.plan_proposal
    ADD CONSTRAINT plan_proposal_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.plan
    ADD CONSTRAINT plan_title_key UNIQUE (title);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.scenario
    ADD CONSTRAINT scenario_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.scenario
    ADD CONSTRAINT scenario_title_key UNIQUE (title);
ALTER TABLE ONLY gridmap.station
    ADD CONSTRAINT station_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.street_attachment
    ADD CONSTRAINT street_attachment_pkey PRIMARY KEY (thing_kind, thing_id, ordinal);
ALTER TABLE ONLY gridmap.street
    ADD CONSTRAINT street_pkey PRIMARY KEY (id);
ALTER TABLE ONLY gridmap.version
    ADD CONSTRAINT version_pkey PRIMARY KEY (name);
ALTER TABLE ONLY gridmap.walk_point
    ADD CONSTRAINT walk_point_pkey PRIMARY KEY (thing_kind, thing_id);
ALTER TABLE ONLY gridmap.water
    ADD CONSTRAINT water_pkey PRIMARY KEY (id);
CREATE INDEX area_geom_3857_idx ON gridmap.area USING gist (geom_3857);
CREATE INDEX area_geom_idx ON gridmap.area USING gist (geom);
CREATE UNIQUE INDEX area_live_source_idx ON gridmap.area USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX area_past_idx ON gridmap.area USING btree (source_id, retired_at) WHERE (retired_at IS NOT NULL);
CREATE UNIQUE INDEX assignment_open_idx ON gridmap.assignment USING btree (cell_id) WHERE (to_edition IS NULL);
CREATE INDEX assignment_uid_idx ON gridmap.assignment USING btree (uid);
CREATE INDEX block_geom_idx ON gridmap.block USING gist (geom);
CREATE UNIQUE INDEX block_live_key_idx ON gridmap.block USING btree (key) WHERE (retired_at IS NULL);
CREATE INDEX building_estate_number_idx ON gridmap.building USING btree (estate, number);
CREATE INDEX building_geom_3857_idx ON gridmap.building USING gist (geom_3857);
CREATE INDEX building_geom_idx ON gridmap.building USING gist (geom);
CREATE UNIQUE INDEX building_live_source_idx ON gridmap.building USING btree (source_id) WHERE (retired_at IS NULL);
CREATE UNIQUE INDEX candidate_live_source_idx ON gridmap.candidate USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX cell_attachment_building_id_idx ON gridmap.cell_attachment USING btree (building_id);
CREATE INDEX cell_block_id_idx ON gridmap.cell USING btree (block_id);
CREATE INDEX cell_building_id_idx ON gridmap.cell USING btree (building_id);
CREATE INDEX cell_edge_b_idx ON gridmap.cell_edge USING btree (b);
CREATE INDEX cell_geom_3857_idx ON gridmap.cell USING gist (geom_3857);
CREATE INDEX cell_geom_idx ON gridmap.cell USING gist (geom);
CREATE INDEX cell_lineage_new_id_idx ON gridmap.cell_lineage USING btree (new_id);
CREATE UNIQUE INDEX cell_live_key_idx ON gridmap.cell USING btree (key) WHERE (retired_at IS NULL);
CREATE INDEX cut_line_geom_idx ON gridmap.cut_line USING gist (geom);
CREATE INDEX duty_grid_code_idx ON gridmap.duty USING btree (grid_code);
CREATE UNIQUE INDEX duty_live_source_idx ON gridmap.duty USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX duty_past_idx ON gridmap.duty USING btree (source_id, retired_at) WHERE (retired_at IS NOT NULL);
CREATE UNIQUE INDEX edition_effective_from_idx ON gridmap.edition USING btree (effective_from);
CREATE UNIQUE INDEX edition_grid_code_idx ON gridmap.edition_grid USING btree (edition_id, code);
CREATE INDEX edition_grid_geom_idx ON gridmap.edition_grid USING gist (geom);
CREATE INDEX estate_geom_idx ON gridmap.estate USING gist (geom);
CREATE UNIQUE INDEX estate_live_source_idx ON gridmap.estate USING btree (source_id) WHERE (retired_at IS NULL);
CREATE UNIQUE INDEX household_count_subject_idx ON gridmap.household_count USING btree (COALESCE(building_source_id, ''::text), COALESCE(estate, ''::text), COALESCE(number, ''::text));
CREATE INDEX job_state_idx ON gridmap.job USING btree (state, id);
CREATE INDEX landuse_geom_3857_idx ON gridmap.landuse USING gist (geom_3857);
CREATE INDEX landuse_geom_idx ON gridmap.landuse USING gist (geom);
CREATE UNIQUE INDEX landuse_live_source_idx ON gridmap.landuse USING btree (source_id) WHERE (retired_at IS NULL);
CREATE UNIQUE INDEX net_area_live_source_idx ON gridmap.net_area USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX place_geom_idx ON gridmap.place USING gist (geom);
CREATE UNIQUE INDEX place_live_source_idx ON gridmap.place USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX plan_assignment_cell_id_idx ON gridmap.plan_assignment USING btree (cell_id);
CREATE INDEX plan_comment_plan_id_idx ON gridmap.plan_comment USING btree (plan_id);
CREATE INDEX plan_proposal_plan_id_idx ON gridmap.plan_proposal USING btree (plan_id);
CREATE INDEX request_current_uid_idx ON gridmap.request USING btree (current_uid);
CREATE INDEX request_geom_idx ON gridmap.request USING gist (geom);
CREATE UNIQUE INDEX request_source_idx ON gridmap.request USING btree (source, source_ref);
CREATE INDEX station_geom_idx ON gridmap.station USING gist (geom);
CREATE UNIQUE INDEX station_live_source_idx ON gridmap.station USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX street_geom_3857_idx ON gridmap.street USING gist (geom_3857);
CREATE INDEX street_geom_idx ON gridmap.street USING gist (geom);
CREATE UNIQUE INDEX street_live_source_idx ON gridmap.street USING btree (source_id) WHERE (retired_at IS NULL);
CREATE INDEX water_geom_3857_idx ON gridmap.water USING gist (geom_3857);
CREATE INDEX water_geom_idx ON gridmap.water USING gist (geom);
CREATE UNIQUE INDEX water_live_source_idx ON gridmap.water USING btree (source_id) WHERE (retired_at IS NULL);
ALTER TABLE ONLY gridmap.area
    ADD CONSTRAINT area_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.assignment
    ADD CONSTRAINT assignment_cell_id_fkey FOREIGN KEY (cell_id) REFERENCES gridmap.cell(id);
ALTER TABLE ONLY gridmap.assignment
    ADD CONSTRAINT assignment_from_edition_fkey FOREIGN KEY (from_edition) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.assignment
    ADD CONSTRAINT assignment_uid_fkey FOREIGN KEY (uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.building
    ADD CONSTRAINT building_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.candidate
    ADD CONSTRAINT candidate_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.cell_attachment
    ADD CONSTRAINT cell_attachment_building_id_fkey FOREIGN KEY (building_id) REFERENCES gridmap.building(id);
ALTER TABLE ONLY gridmap.cell_attachment
    ADD CONSTRAINT cell_attachment_cell_id_fkey FOREIGN KEY (cell_id) REFERENCES gridmap.cell(id);
ALTER TABLE ONLY gridmap.cell
    ADD CONSTRAINT cell_block_id_fkey FOREIGN KEY (block_id) REFERENCES gridmap.block(id);
ALTER TABLE ONLY gridmap.cell
    ADD CONSTRAINT cell_building_id_fkey FOREIGN KEY (building_id) REFERENCES gridmap.building(id);
ALTER TABLE ONLY gridmap.cell_edge
    ADD CONSTRAINT cell_edge_a_fkey FOREIGN KEY (a) REFERENCES gridmap.cell(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.cell_edge
    ADD CONSTRAINT cell_edge_b_fkey FOREIGN KEY (b) REFERENCES gridmap.cell(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.cell_lineage
    ADD CONSTRAINT cell_lineage_new_id_fkey FOREIGN KEY (new_id) REFERENCES gridmap.cell(id);
ALTER TABLE ONLY gridmap.cell_lineage
    ADD CONSTRAINT cell_lineage_old_id_fkey FOREIGN KEY (old_id) REFERENCES gridmap.cell(id);
ALTER TABLE ONLY gridmap.cut_line
    ADD CONSTRAINT cut_line_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE SET NULL;
ALTER TABLE ONLY gridmap.duty
    ADD CONSTRAINT duty_grid_uid_fkey FOREIGN KEY (grid_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.duty
    ADD CONSTRAINT duty_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.edition_grid
    ADD CONSTRAINT edition_grid_edition_id_fkey FOREIGN KEY (edition_id) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.edition_grid
    ADD CONSTRAINT edition_grid_parent_uid_fkey FOREIGN KEY (parent_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.edition_grid
    ADD CONSTRAINT edition_grid_uid_fkey FOREIGN KEY (uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.edition
    ADD CONSTRAINT edition_set_id_fkey FOREIGN KEY (set_id) REFERENCES gridmap.grid_set(id);
ALTER TABLE ONLY gridmap.estate
    ADD CONSTRAINT estate_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.grid_lineage
    ADD CONSTRAINT grid_lineage_edition_id_fkey FOREIGN KEY (edition_id) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.grid_lineage
    ADD CONSTRAINT grid_lineage_new_uid_fkey FOREIGN KEY (new_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.grid_lineage
    ADD CONSTRAINT grid_lineage_old_uid_fkey FOREIGN KEY (old_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.grid_set
    ADD CONSTRAINT grid_set_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.grid_set_row
    ADD CONSTRAINT grid_set_row_set_id_fkey FOREIGN KEY (set_id) REFERENCES gridmap.grid_set(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.household_count
    ADD CONSTRAINT household_count_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.landuse
    ADD CONSTRAINT landuse_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.net_area
    ADD CONSTRAINT net_area_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.place
    ADD CONSTRAINT place_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.plan_assignment
    ADD CONSTRAINT plan_assignment_cell_id_fkey FOREIGN KEY (cell_id) REFERENCES gridmap.cell(id);
ALTER TABLE ONLY gridmap.plan_assignment
    ADD CONSTRAINT plan_assignment_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.plan
    ADD CONSTRAINT plan_base_edition_fkey FOREIGN KEY (base_edition) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.plan_comment
    ADD CONSTRAINT plan_comment_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.plan
    ADD CONSTRAINT plan_edition_id_fkey FOREIGN KEY (edition_id) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.plan_grid
    ADD CONSTRAINT plan_grid_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.plan_operation
    ADD CONSTRAINT plan_operation_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.plan_proposal
    ADD CONSTRAINT plan_proposal_plan_id_fkey FOREIGN KEY (plan_id) REFERENCES gridmap.plan(id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.plan
    ADD CONSTRAINT plan_set_id_fkey FOREIGN KEY (set_id) REFERENCES gridmap.grid_set(id);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_building_id_fkey FOREIGN KEY (building_id) REFERENCES gridmap.building(id);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_current_uid_fkey FOREIGN KEY (current_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_edition_id_fkey FOREIGN KEY (edition_id) REFERENCES gridmap.edition(id);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.request
    ADD CONSTRAINT request_reported_uid_fkey FOREIGN KEY (reported_uid) REFERENCES gridmap.grid(uid);
ALTER TABLE ONLY gridmap.station
    ADD CONSTRAINT station_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.street_attachment
    ADD CONSTRAINT street_attachment_thing_kind_thing_id_fkey FOREIGN KEY (thing_kind, thing_id) REFERENCES gridmap.walk_point(thing_kind, thing_id) ON DELETE CASCADE;
ALTER TABLE ONLY gridmap.street
    ADD CONSTRAINT street_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
ALTER TABLE ONLY gridmap.water
    ADD CONSTRAINT water_import_id_fkey FOREIGN KEY (import_id) REFERENCES gridmap.import_run(id);
