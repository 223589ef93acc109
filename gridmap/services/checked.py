"""The findings of a check, kept until the data change: the page asks for them each time it is opened."""

from __future__ import annotations

import threading
from datetime import UTC, datetime

from gridmap.model.finding import Finding
from gridmap.store.changes import versions
from gridmap.store.database import Place, transaction

__all__ = ["Checked"]


class Checked:
    """The findings of one database in one process; any number of threads may ask, one of them checks."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._kept: tuple[tuple[dict[str, int], datetime], list[Finding]] | None = None

    def findings(self) -> list[Finding]:
        """Return what :func:`gridmap.services.check.check` finds in the data as they are now.

        Raises
        ------
        NotReady
            Nothing was imported yet.
        """
        with self._lock:
            with transaction(self._place) as connection:
                # duties begin and editions come into force by the clock alone
                asked = (versions(connection), datetime.now(UTC).replace(minute=0, second=0, microsecond=0))
            if self._kept is None or self._kept[0] != asked:
                from gridmap.services.check import check  # loads much

                self._kept = (asked, check(self._place))
            return self._kept[1]
