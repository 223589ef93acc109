"""``gridmap serve`` as a person starts it: processes, port, token, Ctrl-C, kill."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import httpx2 as httpx
import orjson
import pytest

from gridmap.cli.serve import _listen, _only_this_machine, listen_near
from gridmap.errors import NotAllowed, NotReady
from gridmap.services import jobs
from gridmap.services.tokens import token_of
from gridmap.settings import Settings
from gridmap.store.database import Place

# a connection of its own for each request, so that any web worker may have it; one client, because making one costs
# more than what it asks
CLIENT = httpx.Client(timeout=20, limits=httpx.Limits(max_keepalive_connections=0))
COMMAND = [sys.executable, "-c", "import typer; from gridmap.cli.serve import serve; typer.run(serve)"]


class Server:
    """A running ``gridmap serve``."""

    def __init__(self, settings: Settings, folder: Path, *arguments: str) -> None:
        self.log = folder / "server.log"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("GRIDMAP_")}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--port", "0", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment | {"GRIDMAP_DATA_DIR": str(settings.data_dir), "GRIDMAP_DATABASE": settings.database},
                text=True,
            )
        try:
            self.said = _until_address(self.process.stdout)
            found = re.search(r"(http://127\.0\.0\.1:(\d+))/\?token=(\S+)", self.said)
            assert found, self.log.read_text()
            self.base, self.port, self.token = found[1], int(found[2]), found[3]
            self.bearer = {"Authorization": f"Bearer {self.token}"}
            _wait(lambda: self.get("/healthz").status_code == 200, seconds=90)
        except BaseException:
            with self.process:
                self.process.kill()
            raise

    def get(self, path: str) -> httpx.Response:
        return CLIENT.get(self.base + path, headers=self.bearer)

    def family(self) -> list[int]:
        """Return the ids of all processes below the server."""
        parents = {}
        for entry in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError, ValueError):
                parents[int(entry.name)] = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        below, wave = [], [self.process.pid]
        while wave:
            wave = [pid for pid, parent in parents.items() if parent in wave]
            below += wave
        return below

    def end(self, how: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(how)
        return self.process.wait(40)


def _until_address(stream: IO[str]) -> str:
    said = ""
    for line in stream:
        said += line
        if "Ctrl-C stops" in said:
            break
    return said


def _wait(true, seconds: float = 40) -> None:
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(httpx.TransportError):
            if true():
                return
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.fixture
def start(settings_here: Settings, tmp_path: Path) -> Iterator[Callable[..., Server]]:
    """Start servers on this test's database; whatever happens, none of them outlives the test."""
    started: list[Server] = []

    def go(*arguments: str) -> Server:
        started.append(Server(settings_here, tmp_path, *arguments))
        return started[-1]

    yield go
    for server in started:
        with server.process:
            server.process.kill()
        _wait(lambda port=server.port: not _answers(port), seconds=60)


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False


def _listening(port: int) -> list[str]:
    """Return the addresses on which anybody listens on the port, as the kernel writes them."""
    lines = [line for name in ("tcp", "tcp6") for line in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return [line.split()[1] for line in lines if line.split()[1].endswith(f":{port:04X}") and line.split()[3] == "0A"]


def test_two_web_workers_on_this_machine_only_answer_for_any_job_and_all_end_with_ctrl_c(
    settings_here: Settings, place: Place, start, monkeypatch
) -> None:
    monkeypatch.setitem(jobs.HANDLERS, "unknown-to-the-worker", lambda *_: {})
    number = jobs.submit(place, "unknown-to-the-worker", {}, who="test")
    server = start("--workers", "2")
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(server.get, [f"/v1/jobs/{number}"] * 24))
    assert {answer.json()["state"] for answer in answers} == {"waiting"}
    assert server.token == token_of(settings_here.data_dir)
    assert _listening(server.port) == [f"0100007F:{server.port:04X}"]
    server.get("/v1/nowhere?address=secretplace&lon=117.03")
    CLIENT.get(f"{server.base}/?token={server.token}")
    _wait(lambda: "/v1/nowhere 404" in server.log.read_text())
    family = server.family()
    assert len(family) >= 3
    assert server.end(signal.SIGINT) == 0
    _wait(lambda: not any(map(_alive, family)))
    log = server.log.read_text()
    for said in ("Traceback", "secretplace", "117.03", server.token):
        assert said not in log


def test_a_file_sent_to_the_server_is_imported_by_the_worker_beside_it_and_all_end_with_sigterm(
    place: Place, start, monkeypatch
) -> None:
    ring = [[117.2, 28.3], [117.2005, 28.3], [117.2005, 28.3005], [117.2, 28.3005], [117.2, 28.3]]
    feature = {
        "type": "Feature",
        "properties": {"source_id": "B1", "estate": "青岩小区", "number": "3", "use": "residential", "storeys": 6},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    body = orjson.dumps({"type": "FeatureCollection", "features": [feature]})
    server = start()
    asked = {"kind": "buildings", "name": "楼栋.geojson", "commit": "true"}
    answer = CLIENT.post(f"{server.base}/v1/imports", params=asked, content=body, headers=server.bearer)
    assert answer.status_code == 202
    url = server.base + answer.headers["location"]
    with CLIENT.stream("GET", f"{url}/events", headers=server.bearer, timeout=60) as stream:
        told = [line for line in stream.iter_lines() if line.startswith("data: ")]
    assert '"state":"done"' in told[-1], told[-1]
    assert server.get("/v1/jurisdiction").json()["counts"]["buildings"] == 1
    monkeypatch.setitem(jobs.HANDLERS, "unknown-to-the-worker", lambda *_: {})
    waiting = jobs.submit(place, "unknown-to-the-worker", {}, who="test")
    follow = f"{server.base}/v1/jobs/{waiting}/events"
    with CLIENT.stream("GET", follow, headers=server.bearer) as stream:
        assert next(stream.iter_lines()) == "event: job"
        # somebody who follows a job for ever does not keep the server from ending
        assert server.end(signal.SIGTERM) == 0
    assert "Traceback" not in server.log.read_text()


def test_nobody_keeps_the_port_when_the_server_is_killed(start) -> None:
    server = start("--workers", "2")
    family = server.family()
    server.end(signal.SIGKILL)
    _wait(lambda: not any(map(_alive, family)))
    assert not _answers(server.port)


def test_a_taken_port_gives_a_sentence_with_a_free_one() -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(NotReady, match=rf"port {port} is taken.*--port \d+") as caught:
            _listen("127.0.0.1", port)
    free = int(re.findall(r"--port (\d+)", str(caught.value))[0])
    assert free > port
    _listen("127.0.0.1", free).close()


def test_the_demo_takes_the_next_free_port() -> None:
    with (
        contextlib.closing(listen_near("127.0.0.1", 28400)) as first,
        contextlib.closing(listen_near("127.0.0.1", first.getsockname()[1])) as second,
    ):
        assert second.getsockname()[1] > first.getsockname()[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.10", "example.org", ""])  # noqa: S104
def test_another_address_than_the_machines_own_is_refused_with_a_way_out(host: str) -> None:
    with pytest.raises(NotAllowed, match="ssh -L"):
        _only_this_machine(host)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "::1", "localhost"])
def test_addresses_of_this_machine_are_taken(host: str) -> None:
    _only_this_machine(host)
    _listen(host, 0).close()
