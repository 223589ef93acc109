"""What one web process holds: settings, database, tiles in memory, the page's files, the indexes that locate."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from fastapi import Depends
from starlette.requests import Request

import gridmap.maps
from api.static import StaticFiles
from gridmap.errors import NotReady
from gridmap.services.checked import Checked
from gridmap.services.locate import Locator
from gridmap.services.plans import PlanDesk
from gridmap.services.tiles import Tiles
from gridmap.settings import Settings
from gridmap.store.database import Place

if TYPE_CHECKING:
    from gridmap.services.walking import Town, Walker

__all__ = ["TOKEN_NAME", "Here", "State"]

#: A server that finds no kernels after this compiles them by itself.
_COMPILED_WITHIN_S = 120
TOKEN_NAME = "token"  # noqa: S105 (the name under which its writes are recorded, not the token)


class State:
    """What one web process holds; nothing is read or opened before it is needed."""

    def __init__(self, settings: Settings, place: Place) -> None:
        self.settings = settings
        self.place = place
        self.tiles = Tiles(place)
        self.checked = Checked(place)
        # not from the module of the page: it brings all of Folium, which the first page needs and no start
        self.static = StaticFiles(Path(gridmap.maps.__file__).parent / "static")
        self.locator = Locator(place, near_boundary_m=settings.near_boundary_m)
        self.plans = PlanDesk(place)
        self.over = threading.Event()
        self._making = threading.Lock()
        self._walker: Walker | None = None
        self._warming = threading.Event()

    @property
    def walker(self) -> Walker:
        """What answers on foot; made, with its kernels, when somebody first asks, and kept fresh from then on."""
        with self._making:
            if self._walker is None:
                from gridmap.services.kernels import keep_kernels_in, tell_once

                keep_kernels_in(self.settings.data_dir)
                tell_once()
                from gridmap.services.walking import Walker

                self._walker = Walker(self.place, keep_in=self.settings.data_dir)
                self._walker.watch(self.over)
            return self._walker

    def warm_kernels(self) -> None:
        """Load the kernels as soon as the process beside the server has compiled them, and locate with them."""
        from gridmap.services.kernels import are_kept, keep_kernels_in, make_kernels

        keep_kernels_in(self.settings.data_dir)
        waited = 0
        while not are_kept() and waited < _COMPILED_WITHIN_S and not self.over.wait(1):
            waited += 1
        if self.over.is_set():
            return
        make_kernels()
        try:
            self.locator.use_compiled()
        except Exception:  # the database may be away: trees go on answering
            logging.getLogger("gridmap.locate").exception("the index could not be made again")

    @property
    def town(self) -> Town | None:
        """The town for walking if it is in memory; else it is loaded in the background, and None is said for now."""
        held = None if self._walker is None else self._walker.held
        if held is None and not self._warming.is_set():
            self._warming.set()
            threading.Thread(target=self._warm, name="gridmap-warm", daemon=True).start()
        return held

    def _warm(self) -> None:
        try:
            self.walker.town()
        except NotReady:
            self._warming.clear()  # there may be data later
        except Exception:  # the first question about coverage tells what is wrong
            logging.getLogger("gridmap.walking").exception("the walking data could not be read")


async def _here(request: Request) -> State:
    # not def: that would cost each request a thread
    state = request.app.state.here
    assert isinstance(state, State)  # noqa: S101 (set by create_app)
    return state


Here = Annotated[State, Depends(_here)]
