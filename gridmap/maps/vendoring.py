"""Renew the vendored browser files: ``python -m gridmap.maps.vendoring [--update]``.

Everything that the pages load from others lies in ``static/vendor/``, so an installation needs neither Node
nor the internet. Each package is fetched by ``npm pack`` in the version named below, checked against the
integrity in ``vendor.lock.json``, unpacked and copied; the vector tile decoder is bundled into one ES module.
The result must have the locked SHA-256; ``--update`` writes a new lock instead, to be read before committing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

VENDOR = Path(__file__).parent / "static" / "vendor"
LOCK = VENDOR / "vendor.lock.json"

ESBUILD = "0.28.2"
_BUNDLE = """\
export { VectorTile } from "@mapbox/vector-tile";
export { default as Pbf } from "pbf";
"""
_BUNDLE_FILE = "mvt/vector-tile.js"
ALLOWED_LICENCES = frozenset({"BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT"})


@dataclass(frozen=True, slots=True)
class Package:
    """One npm package: ``files`` maps its paths to ours; empty when it only goes into the bundle."""

    name: str
    version: str
    licence: str
    files: tuple[tuple[str, str], ...] = ()

    @property
    def slug(self) -> str:
        """The name without characters that a file name cannot have."""
        return self.name.removeprefix("@").replace("/", "-")


PACKAGES = (
    Package(
        "leaflet",
        "1.9.4",
        "BSD-2-Clause",
        (("dist/leaflet.js", "leaflet/leaflet.js"), ("dist/leaflet.css", "leaflet/leaflet.css")),
    ),
    Package("@mapbox/vector-tile", "2.0.5", "BSD-3-Clause"),
    Package("@mapbox/point-geometry", "1.1.0", "ISC"),
    Package("pbf", "4.0.2", "BSD-3-Clause"),
)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_lock() -> dict[str, Any]:
    """Return the lock: packages with integrity and licence, files with SHA-256."""
    lock: dict[str, Any] = json.loads(LOCK.read_text(encoding="utf-8"))
    return lock


def _npm(*arguments: str, cwd: Path) -> str:
    done = subprocess.run(  # noqa: S603
        [shutil.which(arguments[0]) or arguments[0], *arguments[1:]],
        cwd=cwd,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return done.stdout.strip()


def _fetch(package: Package, folder: Path, *, integrity: str | None) -> str:
    """Unpack the package to ``folder/node_modules/NAME`` and return its integrity."""
    archive = folder / _npm("npm", "pack", "--silent", f"{package.name}@{package.version}", cwd=folder)
    found = "sha512-" + base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
    if integrity is not None and found != integrity:
        sys.exit(f"{package.name} {package.version}: integrity {found} is not the locked {integrity}")
    with tarfile.open(archive) as tar:
        tar.extractall(folder / "unpacked", filter="data")
    target = folder / "node_modules" / package.name
    target.parent.mkdir(parents=True, exist_ok=True)
    (folder / "unpacked" / "package").rename(target)
    return found


def _licence_file(folder: Path) -> Path:
    return next(p for p in sorted(folder.iterdir()) if p.name.lower().startswith("license"))


def _bundle(folder: Path, target: Path) -> None:
    (folder / "entry.js").write_text(_BUNDLE, encoding="utf-8")
    target.parent.mkdir(parents=True, exist_ok=True)
    command = ["npx", "--yes", f"esbuild@{ESBUILD}", "entry.js", "--bundle", "--minify", "--format=esm"]
    _npm(*command, "--target=es2020", "--legal-comments=none", f"--outfile={target}", cwd=folder)


def vendor(*, update: bool) -> None:
    """Fetch, check and write all vendored files; with ``update`` the lock is written anew."""
    locked = {} if update else {p["name"]: p["integrity"] for p in read_lock()["packages"]}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        out = folder / "out"
        packages = []
        for package in PACKAGES:
            if package.licence not in ALLOWED_LICENCES:
                sys.exit(f"{package.name}: licence {package.licence} is not among {sorted(ALLOWED_LICENCES)}")
            integrity = _fetch(package, folder, integrity=locked.get(package.name))
            source = folder / "node_modules" / package.name
            copies = [*package.files, (_licence_file(source).name, f"LICENSES/{package.slug}.txt")]
            for theirs, ours in copies:
                (out / ours).parent.mkdir(parents=True, exist_ok=True)
                text = (source / theirs).read_text(encoding="utf-8")
                lines = [line for line in text.splitlines() if not line.startswith("//# sourceMappingURL")]
                (out / ours).write_text("\n".join(lines) + "\n", encoding="utf-8")
            packages.append(
                {
                    "name": package.name,
                    "version": package.version,
                    "licence": package.licence,
                    "integrity": integrity,
                }
            )
        _bundle(folder, out / _BUNDLE_FILE)
        files = {p.relative_to(out).as_posix(): sha256(p) for p in sorted(out.rglob("*")) if p.is_file()}
        lock = {"packages": packages, "bundler": f"esbuild {ESBUILD}", "files": files}
        if not update and files != read_lock()["files"]:
            sys.exit("the files differ from vendor.lock.json; run with --update and read the difference")
        shutil.rmtree(VENDOR, ignore_errors=True)
        shutil.copytree(out, VENDOR)
        LOCK.write_text(json.dumps(lock, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    vendor(update="--update" in sys.argv[1:])
