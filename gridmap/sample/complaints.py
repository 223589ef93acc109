"""Requests of residents: where, when, by which channel, and addresses as people write them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np

from gridmap.core.offset_crs import wgs84_to_gcj02
from gridmap.model.kinds import CHANNELS
from gridmap.sample.frames import Zone
from gridmap.sample.ground import Floats
from gridmap.sample.names import DIGITS
from gridmap.sample.size import Size

ZONE = dt.timezone(dt.timedelta(hours=8))
NOW = dt.datetime(2026, 11, 20, 9, 0, tzinfo=ZONE)
DAYS = 90
CATEGORIES = (
    ("环境卫生", "垃圾清运不及时", "楼下的垃圾两天没有清运了"),
    ("环境卫生", "下水道堵塞", "下水道返水，气味很大"),
    ("设施维修", "路灯不亮", "晚上路灯不亮，走路看不清"),
    ("设施维修", "路面破损", "路面有坑，电动车容易摔倒"),
    ("设施维修", "井盖松动", "井盖一压就响，怕出事"),
    ("停车秩序", "占道停车", "车子停在通道上，消防车进不来"),
    ("噪声", "夜间施工噪声", "夜里十一点还在施工"),
    ("物业", "电梯故障", "电梯坏了三天没人修"),
    ("物业", "楼道堆物", "楼道里堆满杂物"),
    ("安全隐患", "私拉电线充电", "有人从楼上拉电线给电动车充电"),
    ("邻里纠纷", "漏水纠纷", "楼上漏水，协商不成"),
    ("民生服务", "老人助餐", "想问老年助餐怎么报名"),
    ("民生服务", "积水", "一下雨门口就积水"),
)
HOSTILE = (
    "'; DROP TABLE request; --", "<script>alert(1)</script>", '=HYPERLINK("x","点我")', "../../etc/passwd",
    "{{7*7}}", "\u202e文字倒置", "%s%s%s%n", "𠮷野家门口", "<img src=x onerror=alert(1)>", "@SUM(1+1)",
)  # fmt: skip
STATES = (
    ("closed", 0.62), ("resolved", 0.08), ("in_progress", 0.09), ("accepted", 0.05), ("dispatched", 0.05),
    ("received", 0.05), ("returned", 0.015), ("suspended", 0.015), ("rejected", 0.015), ("withdrawn", 0.015),
)  # fmt: skip
DONE = {"closed", "resolved", "rejected", "withdrawn", "duplicate"}


@dataclass(slots=True)
class Where:
    """A building that a request may speak of: how it is addressed."""

    town: str
    community: str
    estate: str
    number: str
    street: str
    house: str
    entrances: int


def noisy(where: Where, rng: np.random.Generator) -> str:
    """Write an address as people write it."""
    pick = int(rng.integers(0, 14))
    unit = int(rng.integers(1, max(2, where.entrances + 1)))
    room = int(rng.integers(1, 7)) * 100 + int(rng.integers(1, 5))
    head = ("清岩县" if rng.random() < 0.5 else "") + (where.town if rng.random() < 0.6 else "")  # noqa: PLR2004
    if not where.estate:
        return _street_address(where, head, pick, rng)
    bare = where.number.rstrip("栋幢座楼号") or where.number
    estate, number = where.estate, where.number
    forms = (
        f"{head}{where.community}{estate}{number}{unit}单元",
        f"{estate}{number}",
        f"{head}{estate}{number}{unit}单元{room}室",
        f"{estate}{_wide(bare)}栋",
        f"{estate}{bare}#{unit}-{room}",
        f"{estate}{bare}-{unit}-{room}",
        f"{estate} {number} {unit} 单元",
        f"{number}{unit}单元 {estate}",
        f"{estate}{_spelt(bare)}栋{_spelt(str(unit))}单元",
        f"{head}{estate}",
        f"{where.community}{estate}{number}楼下",
        f"{estate}（{where.street}）{number}",
        f"{estate}{number}旁边的路上",
        f"{where.town}{estate[:-1]}{number}",
    )
    return forms[pick]


def _street_address(where: Where, head: str, pick: int, rng: np.random.Generator) -> str:
    number = where.house
    bare = number.removesuffix("号")
    forms = (
        f"{head}{where.street}{number}",
        f"{where.street}{number}",
        f"{head}{where.community}{where.street}{number}",
        f"{where.street}{_wide(bare)}号",
        f"{where.street} {number}",
        f"{where.street}{number}门口",
        f"{number}{where.street}",
        f"{where.street}{bare}",
        f"{where.community}{where.street}",
        f"{where.street}{number}附1号",
    )
    return forms[pick % len(forms)] if where.street else f"{where.community}附近{int(rng.integers(1, 9))}0米"


def _wide(text: str) -> str:
    return "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)


def _spelt(text: str) -> str:
    if not text.isdigit():
        return text
    n = int(text)
    if n > 99:  # noqa: PLR2004
        return text
    if n <= 10:  # noqa: PLR2004
        return DIGITS[n]
    tens, ones = divmod(n, 10)
    return (DIGITS[tens] if tens > 1 else "") + "十" + (DIGITS[ones] if ones else "")


@dataclass(slots=True)
class Spots:
    """Places that requests are drawn from: buildings with weights, points near borders, points outside."""

    buildings: Floats
    weight: Floats
    where: list[Where]
    border: Floats
    outside: Floats


def request_count(size: Size) -> int:
    """Return how many requests a county has: 2,000 in the normal one, never more than 20,000."""
    return min(size.share(2000), 20_000)


def request_rows(size: Size, zone: Zone, spots: Spots, rng: np.random.Generator) -> list[dict[str, object]]:
    """Return requests over the 90 days before :data:`NOW`."""
    n = request_count(size)
    count = {
        "border": round(0.06 * n), "outside": round(0.02 * n), "gcj": round(0.02 * n),
        "duplicate": round(25 * n / 2000), "hostile": min(10, n), "phone": min(10, n),
    }  # fmt: skip
    order = rng.permutation(n)
    role = np.full(n, "", dtype=object)
    start = 0
    for name, k in count.items():
        role[order[start : start + k]] = name
        start += k
    share = spots.weight / spots.weight.sum()
    building = rng.choice(len(spots.buildings), n, p=share)
    place = spots.buildings[building] + rng.normal(0, 5, (n, 2))
    place[role == "border"] = spots.border[: count["border"]]
    place[role == "outside"] = spots.outside[: count["outside"]]
    degrees = zone.points(np.round(place, 2))
    moved = np.column_stack(wgs84_to_gcj02(degrees[:, 0], degrees[:, 1]))
    shifted = np.where((role == "gcj")[:, None], np.round(moved, 7), degrees)
    seconds = np.sort(rng.integers(0, DAYS * 86_400, n))
    states = rng.choice([s for s, _ in STATES], n, p=np.array([p for _, p in STATES]) / sum(p for _, p in STATES))
    rows = [
        _row(k, str(role[k]), int(building[k]), shifted[k], int(seconds[k]), str(states[k]), spots, rng)
        for k in range(n)
    ]
    _duplicates(rows, role, rng)
    return rows


def _row(
    k: int, role: str, building: int, at: Floats, second: int, state: str, spots: Spots, rng: np.random.Generator
) -> dict[str, object]:
    category, title, text = CATEGORIES[int(rng.integers(0, len(CATEGORIES)))]
    reported = NOW - dt.timedelta(days=DAYS) + dt.timedelta(seconds=second)
    if state not in DONE and (NOW - reported).days > 20:  # noqa: PLR2004
        state = "closed"
    closed = None
    if state in DONE:
        closed = min(reported + dt.timedelta(hours=float(rng.gamma(2.0, 18.0)) + 0.3), NOW)
    channel = CHANNELS[int(rng.choice(len(CHANNELS), p=(0.3, 0.24, 0.04, 0.04, 0.08, 0.14, 0.08, 0.08)))]
    if role == "hostile":
        text = HOSTILE[k % len(HOSTILE)]
    if role == "phone":
        text = f"{text}，请回电话1{3 + k % 6}00000{k % 10000:04d}"[:40]
    no_point = role == "" and channel in {"book", "box", "desk", "hotline"} and rng.random() < 0.5  # noqa: PLR2004
    given = role not in {"border", "outside"} or rng.random() < 0.5  # noqa: PLR2004
    address = noisy(spots.where[building], rng) if given and role not in {"border", "outside"} else ""
    if role == "gcj":
        channel = "wechat"
    gps = channel in {"wechat", "courier", "patrol"}
    return {
        "source": "12345" if channel == "hotline" else "清岩网格通",
        "source_ref": f"QY{reported:%Y%m%d}{k + 1:05d}",
        "channel": channel,
        "category": category,
        "title": title,
        "description": text,
        "state": state,
        "lon": None if no_point else float(at[0]),
        "lat": None if no_point else float(at[1]),
        "crs": None if no_point else "GCJ-02" if role == "gcj" else "EPSG:4326",
        "accuracy_m": None if no_point or not gps else float(rng.integers(4, 31)),
        "address_text": address,
        "reported_at": reported.isoformat(),
        "closed_at": closed.replace(microsecond=0).isoformat() if closed else None,
        "role": role,
    }


def _duplicates(rows: list[dict[str, object]], role: np.ndarray, rng: np.random.Generator) -> None:
    """Make the duplicates speak of an earlier request in other words."""
    for k in np.flatnonzero(role == "duplicate").tolist():
        earlier = [j for j in range(max(0, k - 120), k) if rows[j]["role"] == ""]
        if not earlier:
            continue
        j = int(earlier[int(rng.integers(0, len(earlier)))])
        for column in ("category", "title", "lon", "lat", "crs", "address_text", "accuracy_m"):
            rows[k][column] = rows[j][column]
        rows[k]["description"] = f"{rows[j]['description']}，昨天已经报过"
        rows[k]["state"] = "duplicate"
        rows[k]["closed_at"] = rows[k]["reported_at"]
