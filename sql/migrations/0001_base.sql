-- The first tables. Geometry in EPSG:4326; generated Web Mercator columns for tiles.

CREATE TABLE gridmap.block (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    kind TEXT NOT NULL,
    area_code TEXT,
    legacy_code TEXT,
    geom geometry(POLYGON,4326) NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT block_pkey PRIMARY KEY (id)
);
CREATE INDEX block_geom_idx ON gridmap.block USING gist (geom);
CREATE UNIQUE INDEX block_live_key_idx ON gridmap.block (key) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.block IS 'Faces of the street network';
COMMENT ON COLUMN gridmap.block.key IS 'fingerprint of the geometry';
COMMENT ON COLUMN gridmap.block.kind IS 'land or water';
COMMENT ON COLUMN gridmap.block.legacy_code IS 'where imported grid lines cut it: codes in the sets, separated by |';

CREATE TABLE gridmap.change_log (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    who TEXT NOT NULL,
    what TEXT NOT NULL,
    detail JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT change_log_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE gridmap.change_log IS 'Every write: who, when, what; only ever appended to';
COMMENT ON COLUMN gridmap.change_log.who IS 'operating system user or token name, never told by the client';

CREATE TABLE gridmap.grid (
    uid BIGINT GENERATED ALWAYS AS IDENTITY,
    first_code TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT grid_pkey PRIMARY KEY (uid)
);
COMMENT ON TABLE gridmap.grid IS 'The identity of a grid through editions';

CREATE TABLE gridmap.import_run (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_sha256 TEXT,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    who TEXT NOT NULL,
    counts JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT import_run_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE gridmap.import_run IS 'History of imports';

CREATE TABLE gridmap.job (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    kind TEXT NOT NULL,
    input JSONB DEFAULT '{}'::jsonb NOT NULL,
    state TEXT DEFAULT 'waiting' NOT NULL,
    percent FLOAT DEFAULT 0 NOT NULL,
    message_zh TEXT DEFAULT '' NOT NULL,
    message_en TEXT DEFAULT '' NOT NULL,
    who TEXT NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    started_at TIMESTAMP WITH TIME ZONE,
    heartbeat_at TIMESTAMP WITH TIME ZONE,
    ended_at TIMESTAMP WITH TIME ZONE,
    cancel_requested BOOLEAN DEFAULT false NOT NULL,
    attempt INTEGER DEFAULT 0 NOT NULL,
    result JSONB,
    error JSONB,
    CONSTRAINT job_pkey PRIMARY KEY (id),
    CONSTRAINT job_state_check CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'interrupted'))
);
CREATE INDEX job_state_idx ON gridmap.job (state, id);
COMMENT ON TABLE gridmap.job IS 'Long work: percent, message, cancel, result';
COMMENT ON COLUMN gridmap.job.error IS 'code and the sentence in zh and en';

CREATE TABLE gridmap.jurisdiction (
    singleton BOOLEAN DEFAULT true NOT NULL,
    code TEXT,
    name TEXT,
    time_zone TEXT DEFAULT 'Asia/Shanghai' NOT NULL,
    metric_srid INTEGER,
    settings JSONB DEFAULT '{}'::jsonb NOT NULL,
    CONSTRAINT jurisdiction_pkey PRIMARY KEY (singleton),
    CONSTRAINT jurisdiction_single_check CHECK (singleton)
);
COMMENT ON TABLE gridmap.jurisdiction IS 'The county, district or city that this database serves';
COMMENT ON COLUMN gridmap.jurisdiction.singleton IS 'one database is one jurisdiction';
COMMENT ON COLUMN gridmap.jurisdiction.code IS '6-digit division code';
COMMENT ON COLUMN gridmap.jurisdiction.metric_srid IS 'EPSG code in which lengths and areas are measured';

CREATE TABLE gridmap.open_finding (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    rule TEXT NOT NULL,
    severity TEXT NOT NULL,
    subject TEXT NOT NULL,
    message_zh TEXT NOT NULL,
    message_en TEXT NOT NULL,
    repair_zh TEXT,
    repair_en TEXT,
    lon FLOAT,
    lat FLOAT,
    origin TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT open_finding_pkey PRIMARY KEY (id)
);
COMMENT ON TABLE gridmap.open_finding IS 'What the making of cells and the carrying over of changes could not decide';
COMMENT ON COLUMN gridmap.open_finding.origin IS 'cells, update or households';

CREATE TABLE gridmap.version (
    name TEXT NOT NULL,
    value BIGINT DEFAULT 0 NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT version_pkey PRIMARY KEY (name)
);
COMMENT ON TABLE gridmap.version IS 'Counters that readers compare to know whether what they hold is stale';

CREATE TABLE gridmap.area (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    code TEXT,
    name TEXT NOT NULL,
    level TEXT NOT NULL,
    parent_code TEXT,
    area_kind TEXT,
    provisional BOOLEAN DEFAULT false NOT NULL,
    geom geometry(GEOMETRY,4326) NOT NULL,
    geom_3857 geometry(GEOMETRY,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at TIMESTAMP WITH TIME ZONE,
    archived_of BIGINT,
    CONSTRAINT area_pkey PRIMARY KEY (id),
    CONSTRAINT area_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX area_geom_3857_idx ON gridmap.area USING gist (geom_3857);
CREATE INDEX area_geom_idx ON gridmap.area USING gist (geom);
CREATE UNIQUE INDEX area_live_source_idx ON gridmap.area (source_id) WHERE retired_at IS NULL;
CREATE INDEX area_past_idx ON gridmap.area (source_id, retired_at) WHERE retired_at IS NOT NULL;
COMMENT ON TABLE gridmap.area IS 'Administrative areas as imported: official lines, or named points where no line is known';
COMMENT ON COLUMN gridmap.area.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.area.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.area.level IS 'jurisdiction, town or community';
COMMENT ON COLUMN gridmap.area.area_kind IS 'urban or rural';
COMMENT ON COLUMN gridmap.area.provisional IS 'grown from named points';
COMMENT ON COLUMN gridmap.area.geom IS 'official line, or a point';
COMMENT ON COLUMN gridmap.area.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.area.archived_of IS 'this row is a former state of the row of that id';

CREATE TABLE gridmap.building (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    estate TEXT,
    number TEXT,
    name TEXT,
    use TEXT,
    storeys INTEGER,
    height_m FLOAT,
    entrances INTEGER,
    street TEXT,
    house_number TEXT,
    generated BOOLEAN DEFAULT false NOT NULL,
    households INTEGER,
    people INTEGER,
    figure_basis TEXT,
    figure_date DATE,
    figure_source TEXT,
    estimated BOOLEAN,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    archived_of BIGINT,
    CONSTRAINT building_pkey PRIMARY KEY (id),
    CONSTRAINT building_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX building_estate_number_idx ON gridmap.building (estate, number);
CREATE INDEX building_geom_3857_idx ON gridmap.building USING gist (geom_3857);
CREATE INDEX building_geom_idx ON gridmap.building USING gist (geom);
CREATE UNIQUE INDEX building_live_source_idx ON gridmap.building (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.building IS 'Buildings; the former footprint of a changed one is kept as a retired row of its own';
COMMENT ON COLUMN gridmap.building.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.building.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.building.number IS 'building number within the estate';
COMMENT ON COLUMN gridmap.building.generated IS 'generated, not surveyed';
COMMENT ON COLUMN gridmap.building.figure_basis IS 'registered or resident';
COMMENT ON COLUMN gridmap.building.estimated IS 'households and people are estimates';
COMMENT ON COLUMN gridmap.building.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.building.archived_of IS 'this row is a former state of the row of that id';

CREATE TABLE gridmap.candidate (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT NOT NULL,
    property_kind TEXT,
    address TEXT,
    floor_area_m2 FLOAT,
    geom geometry(POINT,4326) NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT candidate_pkey PRIMARY KEY (id),
    CONSTRAINT candidate_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE UNIQUE INDEX candidate_live_source_idx ON gridmap.candidate (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.candidate IS 'Properties where a station could be';
COMMENT ON COLUMN gridmap.candidate.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.candidate.import_id IS 'the import that wrote it';

CREATE TABLE gridmap.duty (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    label TEXT NOT NULL,
    role TEXT NOT NULL,
    grid_code TEXT,
    grid_uid BIGINT,
    building_source_id TEXT,
    name TEXT,
    phone TEXT,
    public BOOLEAN DEFAULT false NOT NULL,
    from_date DATE,
    to_date DATE,
    retired_at TIMESTAMP WITH TIME ZONE,
    archived_of BIGINT,
    CONSTRAINT duty_pkey PRIMARY KEY (id),
    CONSTRAINT duty_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id),
    CONSTRAINT duty_grid_uid_fkey FOREIGN KEY(grid_uid) REFERENCES gridmap.grid (uid)
);
CREATE INDEX duty_grid_code_idx ON gridmap.duty (grid_code);
CREATE UNIQUE INDEX duty_live_source_idx ON gridmap.duty (source_id) WHERE retired_at IS NULL;
CREATE INDEX duty_past_idx ON gridmap.duty (source_id, retired_at) WHERE retired_at IS NOT NULL;
COMMENT ON TABLE gridmap.duty IS 'Who is on duty for a grid or a building';
COMMENT ON COLUMN gridmap.duty.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.duty.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.duty.label IS 'title shown to the public';
COMMENT ON COLUMN gridmap.duty.grid_uid IS 'that grid, known since an edition came into force; it stays when the grid ends';
COMMENT ON COLUMN gridmap.duty.name IS 'personal; only with --with-contacts';
COMMENT ON COLUMN gridmap.duty.phone IS 'personal; only with --with-contacts';
COMMENT ON COLUMN gridmap.duty.archived_of IS 'this row is a former state of the row of that id';

CREATE TABLE gridmap.estate (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT NOT NULL,
    aliases TEXT[] DEFAULT '{}' NOT NULL,
    estate_type TEXT,
    property_management TEXT,
    walled BOOLEAN,
    gates geometry(MULTIPOINT,4326),
    added_gates geometry(MULTIPOINT,4326),
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT estate_pkey PRIMARY KEY (id),
    CONSTRAINT estate_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX estate_geom_idx ON gridmap.estate USING gist (geom);
CREATE UNIQUE INDEX estate_live_source_idx ON gridmap.estate (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.estate IS 'Residential compounds (小区)';
COMMENT ON COLUMN gridmap.estate.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.estate.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.estate.added_gates IS 'gates that a person added on the map; imports leave them alone';
COMMENT ON COLUMN gridmap.estate.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';

CREATE TABLE gridmap.grid_set (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    name TEXT NOT NULL,
    purpose TEXT NOT NULL,
    effective_from TIMESTAMP WITH TIME ZONE,
    import_id BIGINT,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT grid_set_pkey PRIMARY KEY (id),
    CONSTRAINT grid_set_name_key UNIQUE (name),
    CONSTRAINT grid_set_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
COMMENT ON TABLE gridmap.grid_set IS 'A set of grid polygons as imported, waiting to become an edition or a plan';
COMMENT ON COLUMN gridmap.grid_set.purpose IS 'edition or plan';
COMMENT ON COLUMN gridmap.grid_set.effective_from IS 'when the edition comes into force; null for a plan';

CREATE TABLE gridmap.household_count (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    import_id BIGINT,
    building_source_id TEXT,
    estate TEXT,
    number TEXT,
    households INTEGER NOT NULL,
    people INTEGER,
    basis TEXT NOT NULL,
    figure_date DATE NOT NULL,
    figure_source TEXT,
    estimated BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT household_count_pkey PRIMARY KEY (id),
    CONSTRAINT household_count_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE UNIQUE INDEX household_count_subject_idx ON gridmap.household_count (coalesce(building_source_id, ''), coalesce(estate, ''), coalesce(number, ''));
COMMENT ON TABLE gridmap.household_count IS 'Counted households and people as imported; figures of buildings are worked out from them';

CREATE TABLE gridmap.landuse (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT,
    landuse TEXT NOT NULL,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT landuse_pkey PRIMARY KEY (id),
    CONSTRAINT landuse_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX landuse_geom_3857_idx ON gridmap.landuse USING gist (geom_3857);
CREATE INDEX landuse_geom_idx ON gridmap.landuse USING gist (geom);
CREATE UNIQUE INDEX landuse_live_source_idx ON gridmap.landuse (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.landuse IS 'Parks, fields and other land use, for the map';
COMMENT ON COLUMN gridmap.landuse.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.landuse.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.landuse.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';

CREATE TABLE gridmap.net_area (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    net TEXT NOT NULL,
    department TEXT,
    code TEXT,
    name TEXT NOT NULL,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT net_area_pkey PRIMARY KEY (id),
    CONSTRAINT net_area_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE UNIQUE INDEX net_area_live_source_idx ON gridmap.net_area (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.net_area IS 'Departments'' own areas (nets); they never answer whose grid a place is';
COMMENT ON COLUMN gridmap.net_area.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.net_area.import_id IS 'the import that wrote it';

CREATE TABLE gridmap.place (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT NOT NULL,
    place_type TEXT,
    category TEXT,
    building_source_id TEXT,
    geom geometry(GEOMETRY,4326) NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT place_pkey PRIMARY KEY (id),
    CONSTRAINT place_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX place_geom_idx ON gridmap.place USING gist (geom);
CREATE UNIQUE INDEX place_live_source_idx ON gridmap.place (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.place IS 'Firms, shops, institutions, settlements';
COMMENT ON COLUMN gridmap.place.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.place.import_id IS 'the import that wrote it';

CREATE TABLE gridmap.station (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT NOT NULL,
    station_kind TEXT NOT NULL,
    tier INTEGER,
    services TEXT[] DEFAULT '{}' NOT NULL,
    opening_hours TEXT,
    tenure TEXT,
    rooms TEXT[] DEFAULT '{}' NOT NULL,
    address TEXT,
    check_code BOOLEAN,
    check_sign BOOLEAN,
    check_facilities BOOLEAN,
    check_mechanism BOOLEAN,
    check_team BOOLEAN,
    check_activities BOOLEAN,
    check_services BOOLEAN,
    check_guarantee BOOLEAN,
    geom geometry(POINT,4326) NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT station_pkey PRIMARY KEY (id),
    CONSTRAINT station_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX station_geom_idx ON gridmap.station USING gist (geom);
CREATE UNIQUE INDEX station_live_source_idx ON gridmap.station (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.station IS 'Places that serve residents';
COMMENT ON COLUMN gridmap.station.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.station.import_id IS 'the import that wrote it';

CREATE TABLE gridmap.street (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT,
    highway TEXT,
    railway TEXT,
    service TEXT,
    bridge BOOLEAN DEFAULT false NOT NULL,
    tunnel BOOLEAN DEFAULT false NOT NULL,
    covered BOOLEAN DEFAULT false NOT NULL,
    layer INTEGER DEFAULT 0 NOT NULL,
    foot TEXT,
    access TEXT,
    geom geometry(MULTILINESTRING,4326) NOT NULL,
    geom_3857 geometry(MULTILINESTRING,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at TIMESTAMP WITH TIME ZONE,
    archived_of BIGINT,
    CONSTRAINT street_pkey PRIMARY KEY (id),
    CONSTRAINT street_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX street_geom_3857_idx ON gridmap.street USING gist (geom_3857);
CREATE INDEX street_geom_idx ON gridmap.street USING gist (geom);
CREATE UNIQUE INDEX street_live_source_idx ON gridmap.street (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.street IS 'Streets and railways';
COMMENT ON COLUMN gridmap.street.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.street.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.street.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.street.archived_of IS 'this row is a former state of the row of that id';

CREATE TABLE gridmap.water (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    source_id TEXT NOT NULL,
    import_id BIGINT,
    name TEXT,
    water_kind TEXT NOT NULL,
    tunnel BOOLEAN DEFAULT false NOT NULL,
    geom geometry(GEOMETRY,4326) NOT NULL,
    geom_3857 geometry(GEOMETRY,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    retired_at TIMESTAMP WITH TIME ZONE,
    archived_of BIGINT,
    CONSTRAINT water_pkey PRIMARY KEY (id),
    CONSTRAINT water_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id)
);
CREATE INDEX water_geom_3857_idx ON gridmap.water USING gist (geom_3857);
CREATE INDEX water_geom_idx ON gridmap.water USING gist (geom);
CREATE UNIQUE INDEX water_live_source_idx ON gridmap.water (source_id) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.water IS 'Rivers, canals, lakes: polygons and lines';
COMMENT ON COLUMN gridmap.water.source_id IS 'identifier in the source';
COMMENT ON COLUMN gridmap.water.import_id IS 'the import that wrote it';
COMMENT ON COLUMN gridmap.water.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';
COMMENT ON COLUMN gridmap.water.archived_of IS 'this row is a former state of the row of that id';

CREATE TABLE gridmap.cell (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    key TEXT NOT NULL,
    block_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    building_id BIGINT,
    part INTEGER DEFAULT 0 NOT NULL,
    area_code TEXT,
    legacy_code TEXT,
    area_m2 FLOAT NOT NULL,
    geom geometry(POLYGON,4326) NOT NULL,
    point geometry(POINT,4326) NOT NULL,
    geom_3857 geometry(POLYGON,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    retired_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT cell_pkey PRIMARY KEY (id),
    CONSTRAINT cell_block_id_fkey FOREIGN KEY(block_id) REFERENCES gridmap.block (id),
    CONSTRAINT cell_building_id_fkey FOREIGN KEY(building_id) REFERENCES gridmap.building (id)
);
CREATE INDEX cell_block_id_idx ON gridmap.cell (block_id);
CREATE INDEX cell_building_id_idx ON gridmap.cell (building_id);
CREATE INDEX cell_geom_3857_idx ON gridmap.cell USING gist (geom_3857);
CREATE INDEX cell_geom_idx ON gridmap.cell USING gist (geom);
CREATE UNIQUE INDEX cell_live_key_idx ON gridmap.cell (key) WHERE retired_at IS NULL;
COMMENT ON TABLE gridmap.cell IS 'The smallest pieces of land that planners assign; live ones tile every community';
COMMENT ON COLUMN gridmap.cell.key IS 'fingerprint of the geometry and building';
COMMENT ON COLUMN gridmap.cell.kind IS 'building, open, open_synthetic or water';
COMMENT ON COLUMN gridmap.cell.building_id IS 'many cells may share a building';
COMMENT ON COLUMN gridmap.cell.part IS 'body or entrance of the building';
COMMENT ON COLUMN gridmap.cell.area_code IS 'code of the community';
COMMENT ON COLUMN gridmap.cell.legacy_code IS 'codes in the imported grid sets, separated by |';
COMMENT ON COLUMN gridmap.cell.point IS 'inside the cell';
COMMENT ON COLUMN gridmap.cell.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';

CREATE TABLE gridmap.edition (
    id SERIAL NOT NULL,
    name TEXT NOT NULL,
    effective_from TIMESTAMP WITH TIME ZONE NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    made_by TEXT NOT NULL,
    set_id BIGINT,
    activated_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT edition_pkey PRIMARY KEY (id),
    CONSTRAINT edition_set_id_fkey FOREIGN KEY(set_id) REFERENCES gridmap.grid_set (id)
);
CREATE UNIQUE INDEX edition_effective_from_idx ON gridmap.edition (effective_from);
COMMENT ON TABLE gridmap.edition IS 'Sets of grids; the one in force at a time is the last whose effective_from has come';
COMMENT ON COLUMN gridmap.edition.id IS '1, 2, 3 …: one line of editions';
COMMENT ON COLUMN gridmap.edition.activated_at IS 'when requests and duties followed it; null: not yet';
COMMENT ON COLUMN gridmap.edition.set_id IS 'the imported polygons it came from';

CREATE TABLE gridmap.grid_set_row (
    set_id BIGINT NOT NULL,
    code TEXT NOT NULL,
    name TEXT,
    level INTEGER NOT NULL,
    grid_kind TEXT,
    parent_code TEXT,
    community_code TEXT,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    CONSTRAINT grid_set_row_pkey PRIMARY KEY (set_id, code),
    CONSTRAINT grid_set_row_set_id_fkey FOREIGN KEY(set_id) REFERENCES gridmap.grid_set (id) ON DELETE CASCADE
);
COMMENT ON TABLE gridmap.grid_set_row IS 'One polygon of a grid set';

CREATE TABLE gridmap.assignment (
    cell_id BIGINT NOT NULL,
    from_edition INTEGER NOT NULL,
    to_edition INTEGER,
    uid BIGINT NOT NULL,
    CONSTRAINT assignment_pkey PRIMARY KEY (cell_id, from_edition),
    CONSTRAINT assignment_order_check CHECK (to_edition > from_edition),
    CONSTRAINT assignment_cell_id_fkey FOREIGN KEY(cell_id) REFERENCES gridmap.cell (id),
    CONSTRAINT assignment_from_edition_fkey FOREIGN KEY(from_edition) REFERENCES gridmap.edition (id),
    CONSTRAINT assignment_uid_fkey FOREIGN KEY(uid) REFERENCES gridmap.grid (uid)
);
CREATE UNIQUE INDEX assignment_open_idx ON gridmap.assignment (cell_id) WHERE to_edition IS NULL;
CREATE INDEX assignment_uid_idx ON gridmap.assignment (uid);
COMMENT ON TABLE gridmap.assignment IS 'Which leaf grid a cell belongs to, from edition to edition';
COMMENT ON COLUMN gridmap.assignment.to_edition IS 'first edition in which it no longer holds; null while it holds';

CREATE TABLE gridmap.cell_attachment (
    cell_id BIGINT NOT NULL,
    building_id BIGINT NOT NULL,
    reason TEXT NOT NULL,
    CONSTRAINT cell_attachment_pkey PRIMARY KEY (cell_id, building_id),
    CONSTRAINT cell_attachment_cell_id_fkey FOREIGN KEY(cell_id) REFERENCES gridmap.cell (id),
    CONSTRAINT cell_attachment_building_id_fkey FOREIGN KEY(building_id) REFERENCES gridmap.building (id)
);
CREATE INDEX cell_attachment_building_id_idx ON gridmap.cell_attachment (building_id);
COMMENT ON TABLE gridmap.cell_attachment IS 'Buildings without a cell of their own: sheds and duplicate outlines, and the cell that they belong to';
COMMENT ON COLUMN gridmap.cell_attachment.reason IS 'small, duplicate';

CREATE TABLE gridmap.cell_edge (
    a BIGINT NOT NULL,
    b BIGINT NOT NULL,
    length_m FLOAT NOT NULL,
    street_class TEXT,
    street_name TEXT,
    synthetic BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT cell_edge_pkey PRIMARY KEY (a, b),
    CONSTRAINT cell_edge_order_check CHECK (a < b),
    CONSTRAINT cell_edge_a_fkey FOREIGN KEY(a) REFERENCES gridmap.cell (id) ON DELETE CASCADE,
    CONSTRAINT cell_edge_b_fkey FOREIGN KEY(b) REFERENCES gridmap.cell (id) ON DELETE CASCADE
);
CREATE INDEX cell_edge_b_idx ON gridmap.cell_edge (b);
COMMENT ON TABLE gridmap.cell_edge IS 'Live cells that share a border, its length, and the street on it';

CREATE TABLE gridmap.cell_lineage (
    old_id BIGINT NOT NULL,
    new_id BIGINT NOT NULL,
    share FLOAT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT cell_lineage_pkey PRIMARY KEY (old_id, new_id),
    CONSTRAINT cell_lineage_old_id_fkey FOREIGN KEY(old_id) REFERENCES gridmap.cell (id),
    CONSTRAINT cell_lineage_new_id_fkey FOREIGN KEY(new_id) REFERENCES gridmap.cell (id)
);
CREATE INDEX cell_lineage_new_id_idx ON gridmap.cell_lineage (new_id);
COMMENT ON TABLE gridmap.cell_lineage IS 'What became of replaced cells';
COMMENT ON COLUMN gridmap.cell_lineage.share IS 'share of the old cell''s area that the new one took';

CREATE TABLE gridmap.edition_grid (
    edition_id INTEGER NOT NULL,
    uid BIGINT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    leaf BOOLEAN NOT NULL,
    grid_kind TEXT NOT NULL,
    parent_uid BIGINT,
    community_code TEXT,
    households INTEGER DEFAULT 0 NOT NULL,
    households_estimated INTEGER DEFAULT 0 NOT NULL,
    people INTEGER DEFAULT 0 NOT NULL,
    buildings INTEGER DEFAULT 0 NOT NULL,
    area_m2 FLOAT DEFAULT 0 NOT NULL,
    pieces INTEGER DEFAULT 1 NOT NULL,
    colour INTEGER DEFAULT 0 NOT NULL,
    label_lon FLOAT,
    label_lat FLOAT,
    label_radius_m FLOAT,
    geom geometry(MULTIPOLYGON,4326) NOT NULL,
    geom_3857 geometry(MULTIPOLYGON,3857) GENERATED ALWAYS AS (public.st_transform(geom, 3857)) STORED,
    CONSTRAINT edition_grid_pkey PRIMARY KEY (edition_id, uid),
    CONSTRAINT edition_grid_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES gridmap.edition (id),
    CONSTRAINT edition_grid_uid_fkey FOREIGN KEY(uid) REFERENCES gridmap.grid (uid),
    CONSTRAINT edition_grid_parent_uid_fkey FOREIGN KEY(parent_uid) REFERENCES gridmap.grid (uid)
);
CREATE UNIQUE INDEX edition_grid_code_idx ON gridmap.edition_grid (edition_id, code);
CREATE INDEX edition_grid_geom_idx ON gridmap.edition_grid USING gist (geom);
COMMENT ON TABLE gridmap.edition_grid IS 'The grids of an edition with their polygons, totals, names, codes and parents';
COMMENT ON COLUMN gridmap.edition_grid.geom_3857 IS 'Web Mercator, for tiles only; never measure in it';

CREATE TABLE gridmap.grid_lineage (
    edition_id INTEGER NOT NULL,
    old_uid BIGINT NOT NULL,
    new_uid BIGINT NOT NULL,
    households INTEGER NOT NULL,
    CONSTRAINT grid_lineage_pkey PRIMARY KEY (edition_id, old_uid, new_uid),
    CONSTRAINT grid_lineage_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES gridmap.edition (id),
    CONSTRAINT grid_lineage_old_uid_fkey FOREIGN KEY(old_uid) REFERENCES gridmap.grid (uid),
    CONSTRAINT grid_lineage_new_uid_fkey FOREIGN KEY(new_uid) REFERENCES gridmap.grid (uid)
);
COMMENT ON TABLE gridmap.grid_lineage IS 'From which grids of the edition before the households of each grid came';

CREATE TABLE gridmap.plan (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    title TEXT NOT NULL,
    base_edition INTEGER NOT NULL,
    state TEXT DEFAULT 'draft' NOT NULL,
    revision INTEGER DEFAULT 0 NOT NULL,
    owner TEXT NOT NULL,
    set_id BIGINT,
    fingerprint TEXT,
    approved_by TEXT,
    edition_id INTEGER,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    CONSTRAINT plan_pkey PRIMARY KEY (id),
    CONSTRAINT plan_state_check CHECK (state IN ('draft', 'submitted', 'approved', 'active', 'superseded')),
    CONSTRAINT plan_title_key UNIQUE (title),
    CONSTRAINT plan_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES gridmap.edition (id),
    CONSTRAINT plan_base_edition_fkey FOREIGN KEY(base_edition) REFERENCES gridmap.edition (id),
    CONSTRAINT plan_set_id_fkey FOREIGN KEY(set_id) REFERENCES gridmap.grid_set (id)
);
COMMENT ON TABLE gridmap.plan IS 'Drafts that start from an edition';
COMMENT ON COLUMN gridmap.plan.revision IS 'number of the last operation';
COMMENT ON COLUMN gridmap.plan.fingerprint IS 'of the state that was approved';
COMMENT ON COLUMN gridmap.plan.edition_id IS 'the edition that it became';

CREATE TABLE gridmap.request (
    id UUID DEFAULT gen_random_uuid() NOT NULL,
    import_id BIGINT,
    source TEXT NOT NULL,
    source_ref TEXT NOT NULL,
    channel TEXT NOT NULL,
    category TEXT,
    title TEXT,
    description TEXT,
    state TEXT DEFAULT 'received' NOT NULL,
    input_lon FLOAT,
    input_lat FLOAT,
    input_crs TEXT,
    accuracy_m FLOAT,
    address_text TEXT,
    geom geometry(POINT,4326),
    building_id BIGINT,
    method TEXT,
    edition_id INTEGER,
    reported_uid BIGINT,
    current_uid BIGINT,
    parent_code TEXT,
    near_boundary BOOLEAN,
    boundary_m FLOAT,
    reason TEXT,
    reported_at TIMESTAMP WITH TIME ZONE NOT NULL,
    closed_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT request_pkey PRIMARY KEY (id),
    CONSTRAINT request_import_id_fkey FOREIGN KEY(import_id) REFERENCES gridmap.import_run (id),
    CONSTRAINT request_building_id_fkey FOREIGN KEY(building_id) REFERENCES gridmap.building (id),
    CONSTRAINT request_edition_id_fkey FOREIGN KEY(edition_id) REFERENCES gridmap.edition (id),
    CONSTRAINT request_reported_uid_fkey FOREIGN KEY(reported_uid) REFERENCES gridmap.grid (uid),
    CONSTRAINT request_current_uid_fkey FOREIGN KEY(current_uid) REFERENCES gridmap.grid (uid)
);
CREATE INDEX request_current_uid_idx ON gridmap.request (current_uid);
CREATE INDEX request_geom_idx ON gridmap.request USING gist (geom);
CREATE UNIQUE INDEX request_source_idx ON gridmap.request (source, source_ref);
COMMENT ON TABLE gridmap.request IS 'What residents, hotline and patrols reported at a place';
COMMENT ON COLUMN gridmap.request.method IS 'building, point, parent; null: not located';
COMMENT ON COLUMN gridmap.request.reported_uid IS 'grid at the report; never changes';
COMMENT ON COLUMN gridmap.request.current_uid IS 'grid responsible now';
COMMENT ON COLUMN gridmap.request.parent_code IS 'where no leaf grid answers: the area that receives it';
COMMENT ON COLUMN gridmap.request.reason IS 'why it is not located';

CREATE TABLE gridmap.plan_operation (
    plan_id BIGINT NOT NULL,
    seq INTEGER NOT NULL,
    kind TEXT NOT NULL,
    who TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    gesture JSONB NOT NULL,
    effect JSONB NOT NULL,
    inverse_of INTEGER,
    score JSONB,
    CONSTRAINT plan_operation_pkey PRIMARY KEY (plan_id, seq),
    CONSTRAINT plan_operation_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE CASCADE
);
COMMENT ON TABLE gridmap.plan_operation IS 'The operations of plans: only ever appended to; replayed from their effects';
COMMENT ON COLUMN gridmap.plan_operation.seq IS '1, 2, 3 …: the revision that it made';
COMMENT ON COLUMN gridmap.plan_operation.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_operation.gesture IS 'what was asked for';
COMMENT ON COLUMN gridmap.plan_operation.effect IS 'which cells went from grid to grid, what of grids changed';
COMMENT ON COLUMN gridmap.plan_operation.inverse_of IS 'the operation that an undo or redo takes back';
COMMENT ON COLUMN gridmap.plan_operation.score IS 'scores of the plan after it, by the targets of that time; null where no planner did it';

CREATE TABLE gridmap.cut_line (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    plan_id BIGINT,
    who TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    geom geometry(LINESTRING,4326) NOT NULL,
    CONSTRAINT cut_line_pkey PRIMARY KEY (id),
    CONSTRAINT cut_line_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE SET NULL
);
CREATE INDEX cut_line_geom_idx ON gridmap.cut_line USING gist (geom);
COMMENT ON TABLE gridmap.cut_line IS 'Lines along which planners divided land; cells are made anew with them';
COMMENT ON COLUMN gridmap.cut_line.who IS 'operating system user or token name, never told by the client';

CREATE TABLE gridmap.plan_comment (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    plan_id BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    who TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    words TEXT NOT NULL,
    grid_key BIGINT,
    lon FLOAT,
    lat FLOAT,
    settled_at TIMESTAMP WITH TIME ZONE,
    settled_by TEXT,
    CONSTRAINT plan_comment_pkey PRIMARY KEY (id),
    CONSTRAINT plan_comment_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE CASCADE
);
CREATE INDEX plan_comment_plan_id_idx ON gridmap.plan_comment (plan_id);
COMMENT ON TABLE gridmap.plan_comment IS 'What people say about a plan, one of its grids or a point; never changed, only settled';
COMMENT ON COLUMN gridmap.plan_comment.revision IS 'revision of the plan that it is about';
COMMENT ON COLUMN gridmap.plan_comment.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_comment.grid_key IS 'grid as in plan_grid; null: not about a grid';

CREATE TABLE gridmap.plan_proposal (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    plan_id BIGINT NOT NULL,
    revision INTEGER NOT NULL,
    who TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    asked JSONB NOT NULL,
    complete BOOLEAN NOT NULL,
    found JSONB NOT NULL,
    CONSTRAINT plan_proposal_pkey PRIMARY KEY (id),
    CONSTRAINT plan_proposal_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE CASCADE
);
CREATE INDEX plan_proposal_plan_id_idx ON gridmap.plan_proposal (plan_id);
COMMENT ON TABLE gridmap.plan_proposal IS 'What the program proposed for a plan; taking a candidate is an operation of the plan';
COMMENT ON COLUMN gridmap.plan_proposal.revision IS 'revision of the plan that it was worked out on';
COMMENT ON COLUMN gridmap.plan_proposal.who IS 'operating system user or token name, never told by the client';
COMMENT ON COLUMN gridmap.plan_proposal.asked IS 'mode, scope, seed: enough to make the same again';
COMMENT ON COLUMN gridmap.plan_proposal.complete IS 'false: stopped by a person, the best so far';
COMMENT ON COLUMN gridmap.plan_proposal.found IS 'figures, bound, candidates with their operations';

CREATE TABLE gridmap.plan_grid (
    plan_id BIGINT NOT NULL,
    grid_key BIGINT NOT NULL,
    code TEXT NOT NULL,
    name TEXT NOT NULL,
    level INTEGER NOT NULL,
    leaf BOOLEAN NOT NULL,
    grid_kind TEXT NOT NULL,
    parent_key BIGINT,
    community_code TEXT,
    locked BOOLEAN DEFAULT false NOT NULL,
    ended BOOLEAN DEFAULT false NOT NULL,
    CONSTRAINT plan_grid_pkey PRIMARY KEY (plan_id, grid_key),
    CONSTRAINT plan_grid_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE CASCADE
);
COMMENT ON TABLE gridmap.plan_grid IS 'Grids that a plan made, changed or ended, as they are now';
COMMENT ON COLUMN gridmap.plan_grid.grid_key IS 'uid of a grid of the edition; -1, -2 …: a new grid';
COMMENT ON COLUMN gridmap.plan_grid.ended IS 'merged away, or never kept';

CREATE TABLE gridmap.plan_assignment (
    plan_id BIGINT NOT NULL,
    cell_id BIGINT NOT NULL,
    grid_key BIGINT NOT NULL,
    CONSTRAINT plan_assignment_pkey PRIMARY KEY (plan_id, cell_id),
    CONSTRAINT plan_assignment_plan_id_fkey FOREIGN KEY(plan_id) REFERENCES gridmap.plan (id) ON DELETE CASCADE,
    CONSTRAINT plan_assignment_cell_id_fkey FOREIGN KEY(cell_id) REFERENCES gridmap.cell (id)
);
CREATE INDEX plan_assignment_cell_id_idx ON gridmap.plan_assignment (cell_id);
COMMENT ON TABLE gridmap.plan_assignment IS 'Where a plan differs now from the edition that it started from';
COMMENT ON COLUMN gridmap.plan_assignment.grid_key IS 'leaf grid as in plan_grid; 0: in no grid';

CREATE TABLE gridmap.walk_point (
    thing_kind TEXT NOT NULL,
    thing_id BIGINT NOT NULL,
    reason INTEGER NOT NULL,
    nearest_m FLOAT,
    estate_id BIGINT,
    mark TEXT NOT NULL,
    geom geometry(POINT,4326) NOT NULL,
    CONSTRAINT walk_point_pkey PRIMARY KEY (thing_kind, thing_id),
    CONSTRAINT walk_point_kind_check CHECK (thing_kind IN ('building', 'station', 'candidate'))
);
COMMENT ON TABLE gridmap.walk_point IS 'Buildings, stations and candidates as points for walking, attached to the streets or not, and why not';
COMMENT ON COLUMN gridmap.walk_point.thing_kind IS 'building, station or candidate';
COMMENT ON COLUMN gridmap.walk_point.reason IS '0 attached, 1 too far from streets, 2 behind a barrier';
COMMENT ON COLUMN gridmap.walk_point.nearest_m IS 'metres to the nearest walkable street; null: there is none';
COMMENT ON COLUMN gridmap.walk_point.estate_id IS 'the walled estate that it stands in';
COMMENT ON COLUMN gridmap.walk_point.mark IS 'fingerprint of the rules by which it was attached';
COMMENT ON COLUMN gridmap.walk_point.geom IS 'where people start or end';

CREATE TABLE gridmap.street_attachment (
    thing_kind TEXT NOT NULL,
    thing_id BIGINT NOT NULL,
    ordinal INTEGER NOT NULL,
    street_id BIGINT NOT NULL,
    measure_m FLOAT NOT NULL,
    off_m FLOAT NOT NULL,
    via INTEGER NOT NULL,
    gate geometry(POINT,4326),
    CONSTRAINT street_attachment_pkey PRIMARY KEY (thing_kind, thing_id, ordinal),
    CONSTRAINT street_attachment_thing_kind_thing_id_fkey FOREIGN KEY(thing_kind, thing_id) REFERENCES gridmap.walk_point (thing_kind, thing_id) ON DELETE CASCADE
);
COMMENT ON TABLE gridmap.street_attachment IS 'Where the points for walking meet the streets; kept until the thing or what is near it changes';
COMMENT ON COLUMN gridmap.street_attachment.ordinal IS 'several where an estate has several gates';
COMMENT ON COLUMN gridmap.street_attachment.measure_m IS 'metres along the street';
COMMENT ON COLUMN gridmap.street_attachment.off_m IS 'metres between door and street, through the gate where there is one';
COMMENT ON COLUMN gridmap.street_attachment.via IS '0 straight, 1 through a gate, 2 through a gate that is assumed';

CREATE TABLE gridmap.scenario (
    id BIGINT GENERATED ALWAYS AS IDENTITY,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    revision INTEGER DEFAULT 1 NOT NULL,
    changes JSONB DEFAULT '[]'::jsonb NOT NULL,
    made_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    changed_at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
    applied_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT scenario_pkey PRIMARY KEY (id),
    CONSTRAINT scenario_title_key UNIQUE (title)
);
COMMENT ON TABLE gridmap.scenario IS 'What if: named sets of changes to stations and streets; nothing is real until one is applied';
COMMENT ON COLUMN gridmap.scenario.revision IS 'counts every change of it';
COMMENT ON COLUMN gridmap.scenario.changes IS 'what would be different';
COMMENT ON COLUMN gridmap.scenario.applied_at IS 'when its changes became real';
