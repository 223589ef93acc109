"""Plans: drafts of the next edition, their operations, scores and polygons."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from starlette.requests import Request
from starlette.responses import Response

from api import shapes
from api.present import GeoJson, geojson_of, json_of
from api.state import TOKEN_NAME, Here
from api.strict import StrictRoute
from gridmap.core.plans.gestures import Gesture
from gridmap.services.planbuildings import buildings_of

router = APIRouter(prefix="/v1/plans", tags=["plans"], route_class=StrictRoute)
PlanId = Annotated[int, Path(ge=1, le=2**62, description="Number of the plan.")]
_CREATED: dict[int | str, dict[str, Any]] = {
    201: {"model": shapes.Plan, "headers": {"Location": {"schema": {"type": "string"}}}}
}


class NewPlan(BaseModel):
    """A plan to start."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"title": "2027 年网格调整"}]})

    title: str = Field(min_length=1, max_length=120)
    edition: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="The edition to start from; default: the one in force."
    )


class Step(BaseModel):
    """An operation, and the revision of the plan that the planner saw."""

    model_config = ConfigDict(extra="forbid")

    base_revision: int = Field(ge=0, le=2**31 - 1, description="What others did since is kept, or told as a conflict.")
    operation: Gesture
    preview: bool = Field(default=False, description="Only say what it would do; nothing is written.")


def _example(summary: str, **operation: Any) -> dict[str, Any]:
    return {"summary": summary, "value": {"base_revision": 4, "operation": operation}}


_ONE, _OTHER = "990101001001001", "990101001001002"
_LINE = [[112.3900, 36.4010], [112.3912, 36.4013], [112.3921, 36.4011]]
EXAMPLES: dict[str, Any] = {
    "assign buildings": _example("划入楼栋", kind="assign", buildings=["B0012", "B0013"], to=_OTHER),
    "assign by lasso": _example(
        "套索划入", kind="assign", lasso=[*_LINE, [112.3921, 36.4030]], to=_OTHER, only_from=[_ONE]
    ),
    "assign by brush": _example(
        "画笔划入", kind="assign", brush={"line": _LINE, "radius_m": 20}, to=_OTHER
    ),
    "line": _example("手绘边界", kind="line", line=_LINE, between=[_ONE, _OTHER]),
    "move_boundary": _example("移界", kind="move_boundary", start=_LINE[0], end=[112.3900, 36.4016]),
    "split by line": _example("按线拆分", kind="split", grid=_ONE, line=_LINE),
    "split in halves": _example("沿街等分", kind="split", grid=_ONE),
    "merge": _example("合并", kind="merge", grids=[_ONE, _OTHER]),
    "new_grid": _example("新建专属网格", kind="new_grid", estate="东门市场", grid_kind="dedicated", name="东门市场"),
    "rename": _example("改名", kind="rename", grid=_ONE, name="河东网格"),
    "set_kind": _example("改类型", kind="set_kind", grid=_ONE, grid_kind="rural"),
    "set_parent": _example("改上级", kind="set_parent", grid=_ONE, parent="99010100100191"),
    "transfer": _example("移交社区", kind="transfer", buildings=["B0012"], to="990101001002001"),
    "renumber": _example("重新编号", kind="renumber", community="990101001001"),
    "lock": _example("锁定", kind="lock", grids=[_ONE]),
    "unlock": _example("解锁", kind="unlock", grids=[_ONE]),
    "auto": _example(
        "采用自动方案", kind="auto", grids=[{"to": _OTHER, "cells": [812, 813]}, {"cells": [840, 841]}]
    ),
    "cut": _example("切分地块", kind="cut", line=_LINE),
    "import": _example("导入", kind="import", grids=[{"to": _OTHER, "cells": [12, 13]}]),
    "undo": _example("撤销自己的上一步", kind="undo"),
    "redo": _example("重做", kind="redo"),
}  # fmt: skip


@router.get("", summary="调整方案列表,最近改动的在前", response_model=shapes.Plans)
def list_plans(here: Here) -> Response:
    """Return all plans, the one changed last first."""
    return json_of({"plans": here.plans.listed()})


@router.post("", summary="新建调整方案", status_code=201, response_model=shapes.Plan, responses=_CREATED)
def new_plan(here: Here, order: NewPlan) -> Response:
    """Start a plan from an edition."""
    made = here.plans.new(title=order.title, edition=order.edition, who=TOKEN_NAME)
    return json_of(made, status=201, headers={"Location": f"/v1/plans/{made['id']}"})


@router.get("/{id}", summary="一个方案:网格、合计、评分", response_model=shapes.PlanShown)
def plan(here: Here, id: PlanId) -> Response:  # noqa: A002 (the name in the address)
    """Return a plan: its grids with totals and scores, and what can be undone."""
    return json_of(here.plans.show(id, who=TOKEN_NAME))


@router.get(
    "/{id}/grids", summary="方案的网格边界(GeoJSON)", response_class=GeoJson, response_model=shapes.FeatureCollection
)
def grids(request: Request, here: Here, id: PlanId) -> Response:  # noqa: A002
    """Return the leaf grids of a plan with polygons, totals and scores."""
    return geojson_of(request, here.plans.geojson(id))


@router.get("/{id}/score", summary="方案评分和需要注意的网格", response_model=shapes.PlanScored)
def score(here: Here, id: PlanId) -> Response:  # noqa: A002
    """Return the scores of a plan and of each grid, and what to look at with a repair where there is one."""
    return json_of(here.plans.score(id))


Against = Annotated[
    str | None,
    Query(pattern=r"^(edition|plan):[0-9]{1,9}$", description="edition:NUMBER or plan:NUMBER; default: its edition."),
]


@router.get("/{id}/diff", summary="新旧对照:与所依据的版本、其他版本或方案比较", response_model=shapes.PlanDiff)
def diff(here: Here, id: PlanId, against: Against = None) -> Response:  # noqa: A002
    """Return what the plan changes: old and new grids with households and people, and the buildings that move."""
    return json_of(here.plans.diff(id, against=against))


@router.get(
    "/{id}/diff/land",
    summary="换网格的土地(GeoJSON)",
    response_class=GeoJson,
    response_model=shapes.FeatureCollection,
)
def diff_land(request: Request, here: Here, id: PlanId, against: Against = None) -> Response:  # noqa: A002
    """Return the land that changes its grid, a feature for each old and new grid."""
    return geojson_of(request, here.plans.diff_geojson(id, against=against))


@router.get("/{id}/buildings", summary="方案中一个网格的楼栋", response_model=shapes.PlanBuildings)
def buildings(
    here: Here,
    id: PlanId,  # noqa: A002
    grid: Annotated[str, Query(min_length=1, max_length=40, description="Code of a leaf grid of the plan.")],
) -> Response:
    """Return the buildings of a grid, by estate and number, for choosing them from a list."""
    return json_of(buildings_of(here.plans, id, grid=grid))


@router.get("/{id}/ops", summary="方案的操作记录,最新的在前", response_model=shapes.PlanLog)
def operations(
    here: Here,
    id: PlanId,  # noqa: A002
    *,
    before: Annotated[
        int | None, Query(ge=1, le=2**31 - 1, description="The smallest number of the page before.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> Response:
    """Return the operations of a plan, the newest first."""
    return json_of({"operations": here.plans.log(id, before=before, limit=limit)})


@router.post("/{id}/ops", summary="对方案做一步操作", response_model=shapes.PlanStep)
def operate(
    here: Here,
    id: PlanId,  # noqa: A002
    step: Annotated[Step, Body(openapi_examples=EXAMPLES)],
) -> Response:
    """Do one operation and return only what changed.

    Where others changed the plan since ``base_revision`` the operation is carried over to it (``rebased`` counts their
    steps); where they changed the same land the answer is 409, and ``errors`` has both versions. What cannot be done
    is 422 with the reason.
    """
    return json_of(
        here.plans.operate(
            id,
            step.operation.model_dump(exclude_none=True),
            base_revision=step.base_revision,
            who=TOKEN_NAME,
            commit=not step.preview,
        )
    )
