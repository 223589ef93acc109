"""Folium maps, stand-alone pages and print."""
