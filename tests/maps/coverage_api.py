"""The coverage part of the small server: the shapes of the API over walking times in the invented town."""

from __future__ import annotations

import json
from typing import Any

from gridmap.core.hours import OpeningHours
from gridmap.errors import InputError
from tests.maps.walk import Walk, moved, siting, street_near

CHECKS = ("code", "sign", "facilities", "mechanism", "team", "activities", "services", "guarantee")
Query = dict[str, list[str]]


class Problem(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, zh: str = "", en: str = "") -> None:
        super().__init__(zh)
        self.status, self.zh, self.en = status, zh, en


class CoverageApi:
    """Scenarios, jobs and what-if in memory; ``stations`` is the list that a scenario changes for real."""

    def __init__(self, stations: dict[str, Any]) -> None:
        self.stations = stations
        self.scenarios: dict[int, dict[str, Any]] = {}
        self.jobs: dict[int, dict[str, Any]] = {}
        self.job_steps = 3
        self.kept: dict[str, Any] = {}
        self.estates: list[dict[str, Any]] = []
        self.real_changes = 0
        self.revisions: dict[str, int] = {}

    def _walk(self, query: Query, changes: list[dict[str, Any]]) -> Walk:
        names = ("minutes", "profile", "kind", "service", "tier", "open_at")
        key = json.dumps([{k: v for k, v in query.items() if k in names}, changes, self.stations], sort_keys=True)
        if key not in self.kept:
            self.kept[key] = Walk(moved(self.stations["features"], changes), query, changes)
        return self.kept[key]

    def get(self, path: str, query: Query) -> tuple[Any, dict[str, str]] | None:
        """Answer a GET, or None for 404."""
        if path == "opening-hours":
            return self._hours(query["text"][0]), {}
        if path == "streets/near":
            lon, lat, within = (float(query[name][0]) for name in ("lon", "lat", "within_m"))
            return street_near(lon, lat, within), {}
        if path == "estates":
            return {"type": "FeatureCollection", "features": self.estates}, {}
        if path.startswith("coverage"):
            return self._coverage(path, query)
        if path == "scenarios":
            return {"scenarios": [self._shown(i) for i in sorted(self.scenarios)]}, {}
        if path.startswith("scenarios/"):
            number = self._scenario(path)
            return self._shown(number), self._tag(number)
        if path.startswith("jobs/"):
            return self._job(int(path.removeprefix("jobs/"))), {}
        if path.startswith("stations/"):
            code, _, area = path.removeprefix("stations/").partition("/")
            codes = [s["properties"]["code"] for s in self.stations["features"]]
            if code not in codes:
                return None
            if area:
                return self._walk(query, []).station_feature(codes.index(code)), {}
            return self._station(self.stations["features"][codes.index(code)]["properties"]), self._station_tag(code)
        return None

    def _coverage(self, path: str, query: Query) -> tuple[Any, dict[str, str]] | None:
        walk = self._walk(query, [])
        if path == "coverage":
            return walk.answer() | {"version": self.version}, {}
        if path == "coverage/area":
            return walk.area([float(m) for m in query["each"][0].split(",")]), {}
        if path == "coverage/gaps":
            return walk.gaps(), {}
        if path == "coverage/buildings":
            return walk.buildings(), {}
        if path == "coverage/route":
            return walk.route(float(query["lon"][0]), float(query["lat"][0])), {}
        return None

    def write(self, method: str, path: str, body: Any, headers: Any) -> tuple[Any, dict[str, str]] | None:
        """Answer a POST, PUT or DELETE."""
        if path in {"coverage/what-if", "coverage/route", "siting"}:
            names = ("minutes", "profile", "kind", "service", "tier", "open_at")
            query = {k: [str(x) for x in (v if isinstance(v, list) else [v])] for k, v in body.items() if k in names}
            return self._tried(path, query, body), {}
        if path == "scenarios":
            number = len(self.scenarios) + 1
            self.scenarios[number] = {"id": number, "revision": 1, **body, "applied_at": None}
            return self._shown(number), self._tag(number)
        if path.startswith("jobs/") and method == "DELETE":
            job = self.jobs[int(path.removeprefix("jobs/"))]
            job["state"] = "cancelled"
            return job, {}
        if path.startswith(("stations/", "estates/")):
            return self._real(path, body, headers)
        if path.startswith("scenarios/"):
            number = self._scenario(path)
            if headers.get("If-Match") != self._tag(number)["ETag"]:
                raise Problem(412, "方案已被别人修改", "Somebody has changed the scenario")
            if path.endswith("/apply"):
                found = moved(self.stations["features"], self.scenarios[number]["changes"])
                left = [f for f in found if f["properties"].pop("change", None) != "closed"]
                self.stations["features"] = left
                self.real_changes += 1
                self.scenarios[number] |= {"applied_at": "2026-01-01T00:00:00Z"}
            elif method == "DELETE":
                del self.scenarios[number]
                return None
            else:
                self.scenarios[number] |= body
            self.scenarios[number]["revision"] += 1
            return self._shown(number), self._tag(number)
        raise Problem(404)

    @property
    def version(self) -> str:
        """Counts what was changed for real."""
        return f"v{self.real_changes}"

    def _hours(self, text: str) -> dict[str, str]:
        try:
            read = OpeningHours.parse(text)
        except InputError as error:
            raise Problem(422, error.zh, error.en) from None
        words = read.in_words()
        return {"text": text, "normal": read.normal, "zh": words.zh, "en": words.en}

    def _station_tag(self, code: str) -> dict[str, str]:
        return {"ETag": f'"{code} {self.revisions.get(code, 0)}"'}

    def edit(self, code: str, changes: dict[str, Any]) -> dict[str, Any]:
        """Change facts of a station, as the form or somebody else does."""
        (row,) = (f["properties"] for f in self.stations["features"] if f["properties"]["code"] == code)
        facts = self._station(row)
        checks = facts["checks"] | changes.get("checks", {})
        row |= {**changes, "checks": checks, "score": sum(met is True for met in checks.values())}
        self.revisions[code] = self.revisions.get(code, 0) + 1
        self.real_changes += 1
        return self._station(row)

    def _real(self, path: str, body: Any, headers: Any) -> tuple[Any, dict[str, str]]:
        name = path.split("/")[1]
        if path.startswith("estates/"):
            (estate,) = (one for one in self.estates if one["properties"]["id"] == int(name))
            self.estates.remove(estate)
            self.real_changes += 1
            return {"id": int(name), "name": estate["properties"]["name"], "gate": body}, {}
        if headers.get("If-Match") != self._station_tag(name)["ETag"]:
            raise Problem(
                412, f"站点 {name} 已被他人改动。请重新读取后再改。", f"Somebody else changed station {name}."
            )
        return self.edit(name, body), self._station_tag(name)

    def _tried(self, path: str, query: Query, body: dict[str, Any]) -> Any:
        walk = self._walk(query, body.get("changes", []))
        if path == "coverage/route":
            return walk.route(body["lon"], body["lat"])
        if path == "siting":
            return self._proposal(walk, body)
        parts = {"area": lambda: walk.area(body["each"]), "gaps": walk.gaps, "buildings": walk.buildings}
        more = {name: make() for name, make in parts.items() if name in body.get("include", [])}
        return walk.answer() | {"version": self.version, "against": self._walk(query, []).totals()} | more

    def _proposal(self, walk: Walk, body: dict[str, Any]) -> dict[str, Any]:
        sites = siting(walk, body.get("count", 4))
        totals = walk.totals()
        covered = totals["households_covered"] + sum(s["gains"] for s in sites)
        proposal = {
            "method": body["method"],
            "sites": sites,
            "covered": covered,
            "share": covered / totals["households"],
            "bound": None,
            "gap": None,
            "proven": False,
            "repeatable": True,
            "not_satisfied": [],
        }
        if not body.get("prove"):
            return {"proposal": proposal}
        number = len(self.jobs) + 1
        result = {"proposal": proposal | {"proven": True, "gap": 0.0, "bound": covered}}
        self.jobs[number] = {"id": number, "state": "running", "percent": 0, "message": None, "result": result}
        return {"proposal": proposal, "job": self.jobs[number] | {"result": None}}

    def _job(self, number: int) -> dict[str, Any]:
        job = self.jobs[number]
        if job["state"] == "running":
            job["percent"] += 100 / self.job_steps
            if job["percent"] >= 99:
                job["state"] = "done"
        return job if job["state"] == "done" else job | {"result": None}

    def _scenario(self, path: str) -> int:
        number = int(path.split("/")[1])
        if number not in self.scenarios:
            raise Problem(404, "没有这个方案", "There is no such scenario")
        return number

    def _shown(self, number: int) -> dict[str, Any]:
        return self.scenarios[number]

    def _tag(self, number: int) -> dict[str, str]:
        return {"ETag": f'"{self.scenarios[number]["revision"]}"'}

    def _station(self, row: dict[str, Any]) -> dict[str, Any]:
        met = {name: i < row.get("score", 0) for i, name in enumerate(CHECKS)}
        usual = {"checks": met, "tenure": "rented", "rooms": ["议事厅", "阅览室"]}
        return usual | row | {"score": sum(known is True for known in (row.get("checks") or met).values())}
