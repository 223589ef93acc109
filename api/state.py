"""What one web process holds: settings, database, tiles in memory, the page's files, the indexes that locate."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.requests import Request

from api.static import StaticFiles
from gridmap.maps.page import STATIC
from gridmap.services.checked import Checked
from gridmap.services.locate import Locator
from gridmap.services.tiles import Tiles
from gridmap.settings import Settings
from gridmap.store.database import Place

__all__ = ["TOKEN_NAME", "Here", "State"]

TOKEN_NAME = "token"  # noqa: S105 (the name under which its writes are recorded, not the token)


class State:
    """What one web process holds; nothing is read or opened before it is needed."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self.settings = settings
        self.place = place
        self.tiles = Tiles(place)
        self.checked = Checked(place)
        self.static = StaticFiles(STATIC)
        self.locator = Locator(place, near_boundary_m=settings.near_boundary_m)


async def _here(request: Request) -> State:
    # not def: that would cost each request a thread
    state = request.app.state.here
    assert isinstance(state, State)  # noqa: S101 (set by create_app)
    return state


Here = Annotated[State, Depends(_here)]
