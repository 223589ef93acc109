"""A fictional county, 清岩县 (Qingyan), made from a seed: everything that gridmap can import, and more."""

from gridmap.sample.base import SampleBase
from gridmap.sample.county import SampleCounty, generate

__all__ = ["SampleBase", "SampleCounty", "generate"]
