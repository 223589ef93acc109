"""The tables, as SQLAlchemy knows them; the SQL files in ``sql/migrations`` are what makes them.

``alembic check`` compares the two. Geometry is stored in EPSG:4326; what tiles draw has a generated column in
EPSG:3857 beside it. Rows of base data that are gone stay with ``retired_at`` set: past editions need them.
"""

from __future__ import annotations

from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    DateTime,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

SCHEMA = "gridmap"

metadata = MetaData(
    schema=SCHEMA,
    naming_convention={
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "pk": "%(table_name)s_pkey",
    },
)


def _id() -> Column[Any]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True)


def _moment(name: str, *, nullable: bool = True, default: bool = False, comment: str | None = None) -> Column[Any]:
    return Column(
        name,
        DateTime(timezone=True),
        nullable=nullable,
        server_default=text("now()") if default else None,
        comment=comment,
    )


def _geom(kind: str, *, nullable: bool = False) -> Column[Any]:
    return Column("geom", Geometry(kind, 4326, spatial_index=False), nullable=nullable)


def _mercator(kind: str) -> Column[Any]:
    return Column(
        "geom_3857",
        Geometry(kind, 3857, spatial_index=False),
        Computed("public.st_transform(geom, 3857)", persisted=True),
        comment="Web Mercator, for tiles only; never measure in it",
    )


def _gist(table: str, column: str) -> Index:
    return Index(f"{table}_{column}_idx", column, postgresql_using="gist")


def _source() -> tuple[Column[Any], Column[Any]]:
    return (
        Column("source_id", Text, nullable=False, comment="identifier in the source"),
        Column("import_id", BigInteger, ForeignKey("gridmap.import_run.id"), comment="the import that wrote it"),
    )


def _archived() -> Column[Any]:
    return Column("archived_of", BigInteger, comment="this row is a former state of the row of that id")


def _live_source(table: str) -> Index:
    return Index(f"{table}_live_source_idx", "source_id", unique=True, postgresql_where=text("retired_at IS NULL"))


def _past(table: str) -> Index:
    return Index(f"{table}_past_idx", "source_id", "retired_at", postgresql_where=text("retired_at IS NOT NULL"))


jurisdiction = Table(
    "jurisdiction",
    metadata,
    Column(
        "singleton",
        Boolean,
        primary_key=True,
        server_default=text("true"),
        comment="one database is one jurisdiction",
    ),
    Column("code", Text, comment="6-digit division code"),
    Column("name", Text),
    Column("time_zone", Text, nullable=False, server_default=text("'Asia/Shanghai'")),
    Column("metric_srid", Integer, comment="EPSG code in which lengths and areas are measured"),
    Column("settings", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    CheckConstraint("singleton", name="single"),
    comment="The county, district or city that this database serves",
)

version = Table(
    "version",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", BigInteger, nullable=False, server_default=text("0")),
    _moment("changed_at", nullable=False, default=True),
    comment="Counters that readers compare to know whether what they hold is stale",
)

change_log = Table(
    "change_log",
    metadata,
    _id(),
    _moment("at", nullable=False, default=True),
    Column("who", Text, nullable=False, comment="operating system user or token name, never told by the client"),
    Column("what", Text, nullable=False),
    Column("detail", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    comment="Every write: who, when, what; only ever appended to",
)

import_run = Table(
    "import_run",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("file_name", Text, nullable=False),
    Column("file_sha256", Text),
    _moment("at", nullable=False, default=True),
    Column("who", Text, nullable=False),
    Column("counts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    comment="History of imports",
)

area = Table(
    "area",
    metadata,
    _id(),
    *_source(),
    Column("code", Text),
    Column("name", Text, nullable=False),
    Column("level", Text, nullable=False, comment="jurisdiction, town or community"),
    Column("parent_code", Text),
    Column("area_kind", Text, comment="urban or rural"),
    Column(
        "provisional",
        Boolean,
        nullable=False,
        server_default=text("false"),
        comment="grown from named points",
    ),
    Column(
        "geom",
        Geometry("GEOMETRY", 4326, spatial_index=False),
        nullable=False,
        comment="official line, or a point",
    ),
    _mercator("GEOMETRY"),
    _moment("retired_at"),
    _archived(),
    _live_source("area"),
    _past("area"),
    _gist("area", "geom"),
    _gist("area", "geom_3857"),
    comment="Administrative areas as imported: official lines, or named points where no line is known",
)

street = Table(
    "street",
    metadata,
    _id(),
    *_source(),
    Column("name", Text),
    Column("highway", Text),
    Column("railway", Text),
    Column("service", Text),
    Column("bridge", Boolean, nullable=False, server_default=text("false")),
    Column("tunnel", Boolean, nullable=False, server_default=text("false")),
    Column("covered", Boolean, nullable=False, server_default=text("false")),
    Column("layer", Integer, nullable=False, server_default=text("0")),
    Column("foot", Text),
    Column("access", Text),
    _geom("MULTILINESTRING"),
    _mercator("MULTILINESTRING"),
    _moment("retired_at"),
    _archived(),
    _live_source("street"),
    _gist("street", "geom"),
    _gist("street", "geom_3857"),
    comment="Streets and railways",
)

water = Table(
    "water",
    metadata,
    _id(),
    *_source(),
    Column("name", Text),
    Column("water_kind", Text, nullable=False),
    Column("tunnel", Boolean, nullable=False, server_default=text("false")),
    _geom("GEOMETRY"),
    _mercator("GEOMETRY"),
    _moment("retired_at"),
    _archived(),
    _live_source("water"),
    _gist("water", "geom"),
    _gist("water", "geom_3857"),
    comment="Rivers, canals, lakes: polygons and lines",
)

landuse = Table(
    "landuse",
    metadata,
    _id(),
    *_source(),
    Column("name", Text),
    Column("landuse", Text, nullable=False),
    _geom("MULTIPOLYGON"),
    _mercator("MULTIPOLYGON"),
    _moment("retired_at"),
    _live_source("landuse"),
    _gist("landuse", "geom"),
    _gist("landuse", "geom_3857"),
    comment="Parks, fields and other land use, for the map",
)

estate = Table(
    "estate",
    metadata,
    _id(),
    *_source(),
    Column("name", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("estate_type", Text),
    Column("property_management", Text),
    Column("walled", Boolean),
    Column("gates", Geometry("MULTIPOINT", 4326, spatial_index=False)),
    Column(
        "added_gates",
        Geometry("MULTIPOINT", 4326, spatial_index=False),
        comment="gates that a person added on the map; imports leave them alone",
    ),
    _geom("MULTIPOLYGON"),
    _mercator("MULTIPOLYGON"),
    _moment("retired_at"),
    _live_source("estate"),
    _gist("estate", "geom"),
    comment="Residential compounds (小区)",
)

building = Table(
    "building",
    metadata,
    _id(),
    *_source(),
    Column("estate", Text),
    Column("number", Text, comment="building number within the estate"),
    Column("name", Text),
    Column("use", Text),
    Column("storeys", Integer),
    Column("height_m", Float),
    Column("entrances", Integer),
    Column("street", Text),
    Column("house_number", Text),
    Column("generated", Boolean, nullable=False, server_default=text("false"), comment="generated, not surveyed"),
    Column("households", Integer),
    Column("people", Integer),
    Column("figure_basis", Text, comment="registered or resident"),
    Column("figure_date", Date),
    Column("figure_source", Text),
    Column("estimated", Boolean, comment="households and people are estimates"),
    _geom("MULTIPOLYGON"),
    _mercator("MULTIPOLYGON"),
    _moment("made_at", nullable=False, default=True),
    _moment("retired_at"),
    _archived(),
    _live_source("building"),
    Index("building_estate_number_idx", "estate", "number"),
    _gist("building", "geom"),
    _gist("building", "geom_3857"),
    comment="Buildings; the former footprint of a changed one is kept as a retired row of its own",
)

household_count = Table(
    "household_count",
    metadata,
    _id(),
    Column("import_id", BigInteger, ForeignKey("gridmap.import_run.id")),
    Column("building_source_id", Text),
    Column("estate", Text),
    Column("number", Text),
    Column("households", Integer, nullable=False),
    Column("people", Integer),
    Column("basis", Text, nullable=False),
    Column("figure_date", Date, nullable=False),
    Column("figure_source", Text),
    Column("estimated", Boolean, nullable=False, server_default=text("false")),
    Index(
        "household_count_subject_idx",
        text("coalesce(building_source_id, '')"),
        text("coalesce(estate, '')"),
        text("coalesce(number, '')"),
        unique=True,
    ),
    comment="Counted households and people as imported; figures of buildings are worked out from them",
)

place = Table(
    "place",
    metadata,
    _id(),
    *_source(),
    Column("name", Text, nullable=False),
    Column("place_type", Text),
    Column("category", Text),
    Column("building_source_id", Text),
    _geom("GEOMETRY"),
    _moment("retired_at"),
    _live_source("place"),
    _gist("place", "geom"),
    comment="Firms, shops, institutions, settlements",
)

station = Table(
    "station",
    metadata,
    _id(),
    *_source(),
    Column("name", Text, nullable=False),
    Column("station_kind", Text, nullable=False),
    Column("tier", Integer),
    Column("services", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("opening_hours", Text),
    Column("tenure", Text),
    Column("rooms", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("address", Text),
    Column("check_code", Boolean),
    Column("check_sign", Boolean),
    Column("check_facilities", Boolean),
    Column("check_mechanism", Boolean),
    Column("check_team", Boolean),
    Column("check_activities", Boolean),
    Column("check_services", Boolean),
    Column("check_guarantee", Boolean),
    _geom("POINT"),
    _moment("retired_at"),
    _live_source("station"),
    _gist("station", "geom"),
    comment="Places that serve residents",
)

candidate = Table(
    "candidate",
    metadata,
    _id(),
    *_source(),
    Column("name", Text, nullable=False),
    Column("property_kind", Text),
    Column("address", Text),
    Column("floor_area_m2", Float),
    _geom("POINT"),
    _moment("retired_at"),
    _live_source("candidate"),
    comment="Properties where a station could be",
)

walk_point = Table(
    "walk_point",
    metadata,
    Column("thing_kind", Text, primary_key=True, comment="building, station or candidate"),
    Column("thing_id", BigInteger, primary_key=True),
    Column("reason", Integer, nullable=False, comment="0 attached, 1 too far from streets, 2 behind a barrier"),
    Column("nearest_m", Float, comment="metres to the nearest walkable street; null: there is none"),
    Column("estate_id", BigInteger, comment="the walled estate that it stands in"),
    Column("mark", Text, nullable=False, comment="fingerprint of the rules by which it was attached"),
    Column("geom", Geometry("POINT", 4326, spatial_index=False), nullable=False, comment="where people start or end"),
    CheckConstraint("thing_kind IN ('building', 'station', 'candidate')", name="kind"),
    comment="Buildings, stations and candidates as points for walking, attached to the streets or not, and why not",
)

street_attachment = Table(
    "street_attachment",
    metadata,
    Column("thing_kind", Text, primary_key=True),
    Column("thing_id", BigInteger, primary_key=True),
    Column("ordinal", Integer, primary_key=True, comment="several where an estate has several gates"),
    Column("street_id", BigInteger, nullable=False),
    Column("measure_m", Float, nullable=False, comment="metres along the street"),
    Column(
        "off_m", Float, nullable=False, comment="metres between door and street, through the gate where there is one"
    ),
    Column("via", Integer, nullable=False, comment="0 straight, 1 through a gate, 2 through a gate that is assumed"),
    Column("gate", Geometry("POINT", 4326, spatial_index=False)),
    ForeignKeyConstraint(
        ["thing_kind", "thing_id"],
        ["gridmap.walk_point.thing_kind", "gridmap.walk_point.thing_id"],
        ondelete="CASCADE",
    ),
    comment="Where the points for walking meet the streets; kept until the thing or what is near it changes",
)

scenario = Table(
    "scenario",
    metadata,
    _id(),
    Column("title", Text, nullable=False, unique=True),
    Column("owner", Text, nullable=False),
    Column("revision", Integer, nullable=False, server_default=text("1"), comment="counts every change of it"),
    Column("changes", JSONB, nullable=False, server_default=text("'[]'::jsonb"), comment="what would be different"),
    _moment("made_at", nullable=False, default=True),
    _moment("changed_at", nullable=False, default=True),
    _moment("applied_at", comment="when its changes became real"),
    comment="What if: named sets of changes to stations and streets; nothing is real until one is applied",
)

net_area = Table(
    "net_area",
    metadata,
    _id(),
    *_source(),
    Column("net", Text, nullable=False),
    Column("department", Text),
    Column("code", Text),
    Column("name", Text, nullable=False),
    _geom("MULTIPOLYGON"),
    _moment("retired_at"),
    _live_source("net_area"),
    comment="Departments' own areas (nets); they never answer whose grid a place is",
)

duty = Table(
    "duty",
    metadata,
    _id(),
    *_source(),
    Column("label", Text, nullable=False, comment="title shown to the public"),
    Column("role", Text, nullable=False),
    Column("grid_code", Text),
    Column(
        "grid_uid",
        BigInteger,
        ForeignKey("gridmap.grid.uid"),
        comment="that grid, known since an edition came into force; it stays when the grid ends",
    ),
    Column("building_source_id", Text),
    Column("name", Text, comment="personal; only with --with-contacts"),
    Column("phone", Text, comment="personal; only with --with-contacts"),
    Column("public", Boolean, nullable=False, server_default=text("false")),
    Column("from_date", Date),
    Column("to_date", Date),
    _moment("retired_at"),
    _archived(),
    _live_source("duty"),
    _past("duty"),
    Index("duty_grid_code_idx", "grid_code"),
    comment="Who is on duty for a grid or a building",
)

grid_set = Table(
    "grid_set",
    metadata,
    _id(),
    Column("name", Text, nullable=False, unique=True),
    Column("purpose", Text, nullable=False, comment="edition or plan"),
    _moment("effective_from", comment="when the edition comes into force; null for a plan"),
    Column("import_id", BigInteger, ForeignKey("gridmap.import_run.id")),
    _moment("made_at", nullable=False, default=True),
    comment="A set of grid polygons as imported, waiting to become an edition or a plan",
)

grid_set_row = Table(
    "grid_set_row",
    metadata,
    Column("set_id", BigInteger, ForeignKey("gridmap.grid_set.id", ondelete="CASCADE"), primary_key=True),
    Column("code", Text, primary_key=True),
    Column("name", Text),
    Column("level", Integer, nullable=False),
    Column("grid_kind", Text),
    Column("parent_code", Text),
    Column("community_code", Text),
    _geom("MULTIPOLYGON"),
    comment="One polygon of a grid set",
)

block = Table(
    "block",
    metadata,
    _id(),
    Column("key", Text, nullable=False, comment="fingerprint of the geometry"),
    Column("kind", Text, nullable=False, comment="land or water"),
    Column("area_code", Text),
    Column("legacy_code", Text, comment="where imported grid lines cut it: codes in the sets, separated by |"),
    _geom("POLYGON"),
    _moment("retired_at"),
    Index("block_live_key_idx", "key", unique=True, postgresql_where=text("retired_at IS NULL")),
    _gist("block", "geom"),
    comment="Faces of the street network",
)

cell = Table(
    "cell",
    metadata,
    _id(),
    Column("key", Text, nullable=False, comment="fingerprint of the geometry and building"),
    Column("block_id", BigInteger, ForeignKey("gridmap.block.id"), nullable=False),
    Column("kind", Text, nullable=False, comment="building, open, open_synthetic or water"),
    Column(
        "building_id",
        BigInteger,
        ForeignKey("gridmap.building.id"),
        comment="many cells may share a building",
    ),
    Column("part", Integer, nullable=False, server_default=text("0"), comment="body or entrance of the building"),
    Column("area_code", Text, comment="code of the community"),
    Column("legacy_code", Text, comment="codes in the imported grid sets, separated by |"),
    Column("area_m2", Float, nullable=False),
    _geom("POLYGON"),
    Column("point", Geometry("POINT", 4326, spatial_index=False), nullable=False, comment="inside the cell"),
    _mercator("POLYGON"),
    _moment("made_at", nullable=False, default=True),
    _moment("retired_at"),
    Index("cell_live_key_idx", "key", unique=True, postgresql_where=text("retired_at IS NULL")),
    Index("cell_building_id_idx", "building_id"),
    Index("cell_block_id_idx", "block_id"),
    _gist("cell", "geom"),
    _gist("cell", "geom_3857"),
    comment="The smallest pieces of land that planners assign; live ones tile every community",
)

cell_attachment = Table(
    "cell_attachment",
    metadata,
    Column("cell_id", BigInteger, ForeignKey("gridmap.cell.id"), primary_key=True),
    Column("building_id", BigInteger, ForeignKey("gridmap.building.id"), primary_key=True),
    Column("reason", Text, nullable=False, comment="small, duplicate"),
    Index("cell_attachment_building_id_idx", "building_id"),
    comment="Buildings without a cell of their own: sheds and duplicate outlines, and the cell that they belong to",
)

cell_edge = Table(
    "cell_edge",
    metadata,
    Column("a", BigInteger, ForeignKey("gridmap.cell.id", ondelete="CASCADE"), primary_key=True),
    Column("b", BigInteger, ForeignKey("gridmap.cell.id", ondelete="CASCADE"), primary_key=True),
    Column("length_m", Float, nullable=False),
    Column("street_class", Text),
    Column("street_name", Text),
    Column("synthetic", Boolean, nullable=False, server_default=text("false")),
    CheckConstraint("a < b", name="order"),
    Index("cell_edge_b_idx", "b"),
    comment="Live cells that share a border, its length, and the street on it",
)

cell_lineage = Table(
    "cell_lineage",
    metadata,
    Column("old_id", BigInteger, ForeignKey("gridmap.cell.id"), primary_key=True),
    Column("new_id", BigInteger, ForeignKey("gridmap.cell.id"), primary_key=True),
    Column("share", Float, nullable=False, comment="share of the old cell's area that the new one took"),
    _moment("at", nullable=False, default=True),
    Index("cell_lineage_new_id_idx", "new_id"),
    comment="What became of replaced cells",
)

edition = Table(
    "edition",
    metadata,
    Column("id", Integer, primary_key=True, comment="1, 2, 3 …: one line of editions"),
    Column("name", Text, nullable=False),
    _moment("effective_from", nullable=False),
    _moment("made_at", nullable=False, default=True),
    Column("made_by", Text, nullable=False),
    Column("set_id", BigInteger, ForeignKey("gridmap.grid_set.id"), comment="the imported polygons it came from"),
    _moment("activated_at", comment="when requests and duties followed it; null: not yet"),
    Index("edition_effective_from_idx", "effective_from", unique=True),
    comment="Sets of grids; the one in force at a time is the last whose effective_from has come",
)

grid = Table(
    "grid",
    metadata,
    Column("uid", BigInteger, Identity(always=True), primary_key=True),
    Column("first_code", Text, nullable=False),
    _moment("made_at", nullable=False, default=True),
    comment="The identity of a grid through editions",
)

edition_grid = Table(
    "edition_grid",
    metadata,
    Column("edition_id", Integer, ForeignKey("gridmap.edition.id"), primary_key=True),
    Column("uid", BigInteger, ForeignKey("gridmap.grid.uid"), primary_key=True),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("leaf", Boolean, nullable=False),
    Column("grid_kind", Text, nullable=False),
    Column("parent_uid", BigInteger, ForeignKey("gridmap.grid.uid")),
    Column("community_code", Text),
    Column("households", Integer, nullable=False, server_default=text("0")),
    Column("households_estimated", Integer, nullable=False, server_default=text("0")),
    Column("people", Integer, nullable=False, server_default=text("0")),
    Column("buildings", Integer, nullable=False, server_default=text("0")),
    Column("area_m2", Float, nullable=False, server_default=text("0")),
    Column("pieces", Integer, nullable=False, server_default=text("1")),
    Column("colour", Integer, nullable=False, server_default=text("0")),
    Column("label_lon", Float),
    Column("label_lat", Float),
    Column("label_radius_m", Float),
    _geom("MULTIPOLYGON"),
    _mercator("MULTIPOLYGON"),
    Index("edition_grid_code_idx", "edition_id", "code", unique=True),
    _gist("edition_grid", "geom"),
    comment="The grids of an edition with their polygons, totals, names, codes and parents",
)

grid_lineage = Table(
    "grid_lineage",
    metadata,
    Column("edition_id", Integer, ForeignKey("gridmap.edition.id"), primary_key=True),
    Column("old_uid", BigInteger, ForeignKey("gridmap.grid.uid"), primary_key=True),
    Column("new_uid", BigInteger, ForeignKey("gridmap.grid.uid"), primary_key=True),
    Column("households", Integer, nullable=False),
    comment="From which grids of the edition before the households of each grid came",
)

assignment = Table(
    "assignment",
    metadata,
    Column("cell_id", BigInteger, ForeignKey("gridmap.cell.id"), primary_key=True),
    Column("from_edition", Integer, ForeignKey("gridmap.edition.id"), primary_key=True),
    Column("to_edition", Integer, comment="first edition in which it no longer holds; null while it holds"),
    Column("uid", BigInteger, ForeignKey("gridmap.grid.uid"), nullable=False),
    CheckConstraint("to_edition > from_edition", name="order"),
    Index("assignment_open_idx", "cell_id", unique=True, postgresql_where=text("to_edition IS NULL")),
    Index("assignment_uid_idx", "uid"),
    comment="Which leaf grid a cell belongs to, from edition to edition",
)

plan = Table(
    "plan",
    metadata,
    _id(),
    Column("title", Text, nullable=False, unique=True),
    Column("base_edition", Integer, ForeignKey("gridmap.edition.id"), nullable=False),
    Column("state", Text, nullable=False, server_default=text("'draft'")),
    Column(
        "revision",
        Integer,
        nullable=False,
        server_default=text("0"),
        comment="number of the last operation",
    ),
    Column("owner", Text, nullable=False),
    Column("set_id", BigInteger, ForeignKey("gridmap.grid_set.id")),
    Column("fingerprint", Text, comment="of the state that was approved"),
    Column("approved_by", Text),
    Column("edition_id", Integer, ForeignKey("gridmap.edition.id"), comment="the edition that it became"),
    _moment("made_at", nullable=False, default=True),
    _moment("changed_at", nullable=False, default=True),
    CheckConstraint("state IN ('draft', 'submitted', 'approved', 'active', 'superseded')", name="state"),
    comment="Drafts that start from an edition",
)

plan_operation = Table(
    "plan_operation",
    metadata,
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="CASCADE"), primary_key=True),
    Column("seq", Integer, primary_key=True, comment="1, 2, 3 …: the revision that it made"),
    Column("kind", Text, nullable=False),
    Column("who", Text, nullable=False, comment="operating system user or token name, never told by the client"),
    _moment("at", nullable=False, default=True),
    Column("gesture", JSONB, nullable=False, comment="what was asked for"),
    Column("effect", JSONB, nullable=False, comment="which cells went from grid to grid, what of grids changed"),
    Column("inverse_of", Integer, comment="the operation that an undo or redo takes back"),
    Column(
        "score",
        JSONB,
        comment="scores of the plan after it, by the targets of that time; null where no planner did it",
    ),
    comment="The operations of plans: only ever appended to; replayed from their effects",
)

cut_line = Table(
    "cut_line",
    metadata,
    _id(),
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="SET NULL")),
    Column("who", Text, nullable=False, comment="operating system user or token name, never told by the client"),
    _moment("at", nullable=False, default=True),
    _geom("LINESTRING"),
    _gist("cut_line", "geom"),
    comment="Lines along which planners divided land; cells are made anew with them",
)

plan_comment = Table(
    "plan_comment",
    metadata,
    _id(),
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="CASCADE"), nullable=False),
    Column("revision", Integer, nullable=False, comment="revision of the plan that it is about"),
    Column("who", Text, nullable=False, comment="operating system user or token name, never told by the client"),
    _moment("at", nullable=False, default=True),
    Column("words", Text, nullable=False),
    Column("grid_key", BigInteger, comment="grid as in plan_grid; null: not about a grid"),
    Column("lon", Float),
    Column("lat", Float),
    _moment("settled_at"),
    Column("settled_by", Text),
    Index("plan_comment_plan_id_idx", "plan_id"),
    comment="What people say about a plan, one of its grids or a point; never changed, only settled",
)

plan_proposal = Table(
    "plan_proposal",
    metadata,
    _id(),
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="CASCADE"), nullable=False),
    Column("revision", Integer, nullable=False, comment="revision of the plan that it was worked out on"),
    Column("who", Text, nullable=False, comment="operating system user or token name, never told by the client"),
    _moment("at", nullable=False, default=True),
    Column("asked", JSONB, nullable=False, comment="mode, scope, seed: enough to make the same again"),
    Column("complete", Boolean, nullable=False, comment="false: stopped by a person, the best so far"),
    Column("found", JSONB, nullable=False, comment="figures, bound, candidates with their operations"),
    Index("plan_proposal_plan_id_idx", "plan_id"),
    comment="What the program proposed for a plan; taking a candidate is an operation of the plan",
)

plan_grid = Table(
    "plan_grid",
    metadata,
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="CASCADE"), primary_key=True),
    Column("grid_key", BigInteger, primary_key=True, comment="uid of a grid of the edition; -1, -2 …: a new grid"),
    Column("code", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("level", Integer, nullable=False),
    Column("leaf", Boolean, nullable=False),
    Column("grid_kind", Text, nullable=False),
    Column("parent_key", BigInteger),
    Column("community_code", Text),
    Column("locked", Boolean, nullable=False, server_default=text("false")),
    Column("ended", Boolean, nullable=False, server_default=text("false"), comment="merged away, or never kept"),
    comment="Grids that a plan made, changed or ended, as they are now",
)

plan_assignment = Table(
    "plan_assignment",
    metadata,
    Column("plan_id", BigInteger, ForeignKey("gridmap.plan.id", ondelete="CASCADE"), primary_key=True),
    Column("cell_id", BigInteger, ForeignKey("gridmap.cell.id"), primary_key=True),
    Column("grid_key", BigInteger, nullable=False, comment="leaf grid as in plan_grid; 0: in no grid"),
    Index("plan_assignment_cell_id_idx", "cell_id"),
    comment="Where a plan differs now from the edition that it started from",
)

open_finding = Table(
    "open_finding",
    metadata,
    _id(),
    Column("rule", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_zh", Text, nullable=False),
    Column("message_en", Text, nullable=False),
    Column("repair_zh", Text),
    Column("repair_en", Text),
    Column("lon", Float),
    Column("lat", Float),
    Column("origin", Text, nullable=False, comment="cells, update or households"),
    _moment("at", nullable=False, default=True),
    comment="What the making of cells and the carrying over of changes could not decide",
)

request = Table(
    "request",
    metadata,
    Column("id", UUID(as_uuid=True), primary_key=True, server_default=text("gen_random_uuid()")),
    Column("import_id", BigInteger, ForeignKey("gridmap.import_run.id")),
    Column("source", Text, nullable=False),
    Column("source_ref", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("category", Text),
    Column("title", Text),
    Column("description", Text),
    Column("state", Text, nullable=False, server_default=text("'received'")),
    Column("input_lon", Float),
    Column("input_lat", Float),
    Column("input_crs", Text),
    Column("accuracy_m", Float),
    Column("address_text", Text),
    Column("geom", Geometry("POINT", 4326, spatial_index=False)),
    Column("building_id", BigInteger, ForeignKey("gridmap.building.id")),
    Column("method", Text, comment="building, point, parent; null: not located"),
    Column("edition_id", Integer, ForeignKey("gridmap.edition.id")),
    Column(
        "reported_uid",
        BigInteger,
        ForeignKey("gridmap.grid.uid"),
        comment="grid at the report; never changes",
    ),
    Column("current_uid", BigInteger, ForeignKey("gridmap.grid.uid"), comment="grid responsible now"),
    Column("parent_code", Text, comment="where no leaf grid answers: the area that receives it"),
    Column("near_boundary", Boolean),
    Column("boundary_m", Float),
    Column("reason", Text, comment="why it is not located"),
    _moment("reported_at", nullable=False),
    _moment("closed_at"),
    Index("request_source_idx", "source", "source_ref", unique=True),
    Index("request_current_uid_idx", "current_uid"),
    _gist("request", "geom"),
    comment="What residents, hotline and patrols reported at a place",
)

job = Table(
    "job",
    metadata,
    _id(),
    Column("kind", Text, nullable=False),
    Column("input", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("percent", Float, nullable=False, server_default=text("0")),
    Column("message_zh", Text, nullable=False, server_default=text("''")),
    Column("message_en", Text, nullable=False, server_default=text("''")),
    Column("who", Text, nullable=False),
    _moment("made_at", nullable=False, default=True),
    _moment("started_at"),
    _moment("heartbeat_at"),
    _moment("ended_at"),
    Column("cancel_requested", Boolean, nullable=False, server_default=text("false")),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    Column("result", JSONB),
    Column("error", JSONB, comment="code and the sentence in zh and en"),
    Index("job_state_idx", "state", "id"),
    CheckConstraint(
        "state IN ('waiting', 'running', 'done', 'failed', 'cancelled', 'interrupted')",
        name="state",
    ),
    comment="Long work: percent, message, cancel, result",
)
