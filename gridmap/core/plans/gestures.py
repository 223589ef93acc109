"""What a planner asks for: one value for each kind of operation, as it stands in the log, the API and the command.

Coordinates are EPSG:4326 degrees, longitude first. Grids are named by their code, buildings by the identifier of their
source, communities by their code.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from gridmap.errors import InputError, TooLarge

__all__ = [
    "KINDS",
    "MOST_POINTS",
    "Assign",
    "Auto",
    "AutoShare",
    "Brush",
    "Cut",
    "Gesture",
    "Line",
    "Lock",
    "Merge",
    "MoveBoundary",
    "NewGrid",
    "Redo",
    "Rename",
    "Renumber",
    "Selection",
    "SetKind",
    "SetParent",
    "Split",
    "Transfer",
    "Undo",
    "Unlock",
    "read_gesture",
]

MOST_POINTS = 10_000
MOST_NAMED = 20_000
MOST_RADIUS_M = 2_000.0

Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]
Point = tuple[Lon, Lat]
Points = Annotated[list[Point], Field(min_length=1, max_length=MOST_POINTS)]
Code = Annotated[str, Field(min_length=1, max_length=40)]
Name = Annotated[str, Field(min_length=1, max_length=80)]
Codes = Annotated[list[Code], Field(min_length=1, max_length=1_000)]
CellIds = Annotated[list[Annotated[int, Field(ge=1, le=2**62)]], Field(min_length=1, max_length=MOST_NAMED)]
Ids = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(min_length=1, max_length=MOST_NAMED)]
Kind = Literal["urban", "rural", "dedicated"]


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Brush(_Value):
    """A brush stroke: the line along which it went and its radius in metres."""

    line: Points
    radius_m: float = Field(gt=0, le=MOST_RADIUS_M, allow_inf_nan=False)


class Selection(_Value):
    """Land, said in exactly one way; buildings count by their footprint's centroid, open land by a point inside."""

    cells: CellIds | None = Field(default=None, description="Cells by number.")
    buildings: Ids | None = Field(default=None, description="Buildings by the identifier of their source.")
    blocks: CellIds | None = Field(default=None, description="Whole street blocks by number.")
    estate: Name | None = Field(default=None, description="All buildings of a residential compound.")
    lasso: Points | None = Field(default=None, description="A ring drawn around the land; need not be closed.")
    brush: Brush | None = Field(default=None, description="A brush stroke.")
    only_from: Codes | None = Field(default=None, description="Take land from these grids only.")


class Assign(Selection):
    """Land goes to a grid of the same community."""

    kind: Literal["assign"]
    to: Code


class Transfer(Selection):
    """Land goes to a grid of another community; or a whole grid joins another community."""

    kind: Literal["transfer"]
    to: Code | None = Field(default=None, description="The grid that takes the land.")
    grid: Code | None = Field(default=None, description="The grid that joins ``community`` with all its land.")
    community: Code | None = None


class NewGrid(Selection):
    """A new leaf grid, with land or without."""

    kind: Literal["new_grid"]
    community: Code | None = Field(default=None, description="Its community; by default that of its land.")
    name: Name | None = None
    grid_kind: Kind = "urban"
    parent: Code | None = Field(default=None, description="The grid above it.")
    code: Code | None = Field(default=None, description="Its code; by rule where none is given.")


class Line(_Value):
    """A line drawn by hand becomes the border of two neighbours; where it ends inside them the old border goes on."""

    kind: Literal["line"]
    line: Points
    between: tuple[Code, Code] | None = Field(default=None, description="The two grids; else those along the line.")


class MoveBoundary(_Value):
    """The common border of two neighbours is dragged sideways from a point on it to another."""

    kind: Literal["move_boundary"]
    start: Point
    end: Point
    between: tuple[Code, Code] | None = Field(default=None, description="The two grids; else those at ``start``.")


class Split(_Value):
    """A grid becomes two: by a line, or without one in halves of equal households along the best street."""

    kind: Literal["split"]
    grid: Code
    line: Points | None = None
    name: Name | None = Field(default=None, description="Name of the new grid.")


class Merge(_Value):
    """Neighbouring grids of one community become one: the first, or ``into``."""

    kind: Literal["merge"]
    grids: Annotated[list[Code], Field(min_length=2, max_length=1_000)]
    into: Code | None = None


class Rename(_Value):
    """A grid gets another name."""

    kind: Literal["rename"]
    grid: Code
    name: Name


class SetKind(_Value):
    """A grid becomes urban, rural or dedicated."""

    kind: Literal["set_kind"]
    grid: Code
    grid_kind: Kind


class SetParent(_Value):
    """A grid goes under another one of a higher level, or under none."""

    kind: Literal["set_parent"]
    grid: Code
    parent: Code | None = None


class Renumber(_Value):
    """Codes anew: of all leaf grids of a community from west to east and north to south, or one code by hand."""

    kind: Literal["renumber"]
    community: Code | None = None
    grid: Code | None = None
    code: Code | None = None


class Lock(_Value):
    """Grids keep their land: nothing enters or leaves them."""

    kind: Literal["lock"]
    grids: Codes


class Unlock(_Value):
    """Grids may change again."""

    kind: Literal["unlock"]
    grids: Codes


class AutoShare(_Value):
    """Land that a proposal gives to one grid."""

    to: Code | None = Field(default=None, description="The grid; none: a new one.")
    cells: CellIds


class Auto(_Value):
    """A whole proposal: land to grids that there are and to new ones; grids that lose all their land end."""

    kind: Literal["auto"]
    grids: Annotated[list[AutoShare], Field(min_length=1, max_length=20_000)]
    renumber: bool = Field(default=False, description="Give codes anew, in order, in communities that change.")
    proposal: int | None = Field(default=None, ge=1, le=2**62, description="The proposal that it is from.")
    candidate: int | None = Field(default=None, ge=1, le=100, description="And which candidate of it.")


class BringShare(_Value):
    """Land that an imported file gives to one grid; a code that there is not begins a grid."""

    to: Code
    cells: CellIds
    name: Name | None = Field(default=None, description="Of a grid that begins.")
    grid_kind: Kind | None = Field(default=None, description="Of a grid that begins.")


class Bring(_Value):
    """A file of assignments: land to grids by code; grids that lose all their land end."""

    kind: Literal["import"]
    grids: Annotated[list[BringShare], Field(min_length=1, max_length=20_000)]
    across_communities: bool = Field(default=False, description="Take land of other communities too.")
    file: str | None = Field(default=None, max_length=255, description="Name of the file.")


class Cut(_Value):
    """Land is divided along a line, round buildings, so that a border can run there; no grid changes by it."""

    kind: Literal["cut"]
    line: Points = Field(description="From border to border of the land that it divides.")


class Undo(_Value):
    """Take back my last operation."""

    kind: Literal["undo"]


class Redo(_Value):
    """Do again what I took back last."""

    kind: Literal["redo"]


Gesture = Annotated[
    Assign
    | Line
    | MoveBoundary
    | Split
    | Merge
    | NewGrid
    | Rename
    | SetKind
    | SetParent
    | Transfer
    | Renumber
    | Lock
    | Unlock
    | Auto
    | Bring
    | Cut
    | Undo
    | Redo,
    Field(discriminator="kind"),
]

_ADAPTER: TypeAdapter[Any] = TypeAdapter(Gesture)
KINDS = (
    "assign", "line", "move_boundary", "split", "merge", "new_grid", "rename", "set_kind", "set_parent", "transfer",
    "renumber", "lock", "unlock", "auto", "import", "cut", "undo", "redo",
)  # fmt: skip


_DRAWN = ("lasso", "line")


def read_gesture(data: Any) -> Any:
    """Return the gesture that plain data describe.

    Raises
    ------
    InputError
        They describe none; ``problems`` has a row for each fault.
    TooLarge
        Something drawn has too many points.
    """
    try:
        return _ADAPTER.validate_python(data)
    except ValidationError as error:
        known = ", ".join(KINDS)
        if any(f["type"] == "too_long" and f["loc"][-1] in _DRAWN for f in error.errors(include_input=False)):
            raise TooLarge(
                f"画的图形点太多，最多 {MOST_POINTS:,} 个。请简化后再画。",
                f"The shape has too many points; {MOST_POINTS:,} are the most. Draw it more simply.",
            ) from None
        raise InputError(
            f"操作写法不对。kind 应为 {known} 之一，其余各项见 docs/api.md。",
            f"The operation is not written as it should be. kind is one of {known}; for the rest see docs/api.md.",
            problems=tuple(
                {"column": ".".join(str(part) for part in fault["loc"]), "message": fault["msg"]}
                for fault in error.errors(include_url=False, include_input=False, include_context=False)
            ),
        ) from None
