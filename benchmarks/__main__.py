"""``./dev bench``: list the benchmarks; ``./dev bench NAME …``: run them and renew their sections of RESULTS.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

_NOT_BENCHMARKS = {"__init__", "__main__", "report"}


def main() -> int:
    """Run the benchmarks that are named."""
    known = sorted(p.stem for p in Path(__file__).parent.glob("*.py") if p.stem not in _NOT_BENCHMARKS)
    asked = sys.argv[1:]
    unknown = [name for name in asked if name not in known]
    if unknown or not asked:
        print("benchmarks:", ", ".join(known))
        return 2 if unknown else 0
    for name in asked:
        importlib.import_module(f"benchmarks.{name}").main()
    return 0


sys.exit(main())
