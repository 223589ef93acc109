"""What others made lies in the package unchanged, with its licence."""

from __future__ import annotations

from gridmap.maps.vendoring import ALLOWED_LICENCES, PACKAGES, VENDOR, read_lock, sha256


def test_every_vendored_file_has_the_locked_hash_and_no_other_file_is_there() -> None:
    found = {
        path.relative_to(VENDOR).as_posix(): sha256(path)
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "vendor.lock.json"
    }
    assert found == read_lock()["files"]


def test_the_lock_names_each_package_with_version_integrity_and_a_permissive_licence() -> None:
    locked = {p["name"]: p for p in read_lock()["packages"]}
    assert set(locked) == {p.name for p in PACKAGES}
    for package in PACKAGES:
        entry = locked[package.name]
        assert entry["version"] == package.version
        assert entry["licence"] == package.licence
        assert entry["licence"] in ALLOWED_LICENCES
        assert entry["integrity"].startswith("sha512-")
        assert f"LICENSES/{package.slug}.txt" in read_lock()["files"]


def test_the_lock_holds_no_address() -> None:
    assert "://" not in (VENDOR / "vendor.lock.json").read_text(encoding="utf-8")
