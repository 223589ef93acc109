"""Pure computation: arrays, GeoDataFrames and graphs in, values out."""
