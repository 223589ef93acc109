"""A fictional county, 清岩县 (Qingyan), made from a seed: everything that gridmap can import, and more."""

from gridmap.sample.base import SampleBase
from gridmap.sample.county import Drawn, SampleCounty, draw, generate

__all__ = ["Drawn", "SampleBase", "SampleCounty", "draw", "generate"]
