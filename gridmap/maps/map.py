"""The map as Folium objects: Python decides centre, bounds, layers, order, style and controls.

Folium renders the Leaflet map; our layers render no code of their own. Each is a description that
``GridMap`` collects into one JSON block, and ``static/gridmap/main.js`` draws from it. So no text of a
resident or a file ever becomes script, and the same objects give the same bytes twice.
"""

from __future__ import annotations

import html
from typing import Any, Literal

import folium
from branca.element import Figure
from folium.map import Layer
from folium.template import Template

from gridmap.errors import NotReady
from gridmap.maps.data import WHOLE_CHINA, MapData
from gridmap.maps.style import STYLE
from gridmap.model.text import Language, Text

__all__ = [
    "Cells",
    "Communities",
    "Coverage",
    "Gaps",
    "GridMap",
    "Grids",
    "MapLayer",
    "Names",
    "Reach",
    "Redraw",
    "Stations",
    "VectorTiles",
]

MIN_ZOOM = 8
MAX_ZOOM = 19


class MapLayer(Layer):
    """A layer of ours: a type that the browser knows, whether it is shown, and its style.

    Folium's ``name`` and tooltips are not offered: they would put text into code.
    """

    kind = ""
    _template = Template("")

    def __init__(self, *, show: bool = True, **options: Any) -> None:
        super().__init__(name=self.kind, overlay=True, control=False, show=show)
        self._name = type(self).__name__
        self._id = self.kind
        self.options = options

    def description(self) -> dict[str, Any]:
        """Return what the browser needs to draw the layer."""
        return {"type": self.kind, "show": self.show, **self.options}

    def render(self, **kwargs: Any) -> str:
        """Render nothing: the map collects the description."""
        del kwargs
        return ""


class VectorTiles(MapLayer):
    """The base map on canvas: land use, water, streets and buildings."""

    kind = "base"

    def __init__(self, *, show: bool = True) -> None:
        parts = ("ground", "landuse", "landuse_under_fills", "water", "streets", "buildings")
        super().__init__(show=show, style={part: STYLE[part] for part in parts})


class Grids(MapLayer):
    """Grids in grid mode: neighbours differ in colour, water stays water."""

    kind = "grids"

    def __init__(self, *, show: bool = True) -> None:
        super().__init__(show=show, style=STYLE["grids"])


class Communities(MapLayer):
    """Borders of communities: dash-dot with a white casing."""

    kind = "communities"

    def __init__(self, *, show: bool = True) -> None:
        super().__init__(show=show, style=STYLE["communities"])


class Cells(MapLayer):
    """Cells as hairlines, from the server's tiles; off until somebody asks. A stand-alone map has none."""

    kind = "cells"

    def __init__(self, *, show: bool = False) -> None:
        super().__init__(show=show, style=STYLE["cells"])


class Coverage(MapLayer):
    """Coverage mode beside grid mode: where walking times are known, the page offers it."""

    kind = "coverage"

    def __init__(self, *, show: bool = True) -> None:
        super().__init__(show=show, style=STYLE["coverage"])


class Reach(MapLayer):
    """Coverage mode: how far people walk, in steps of one blue, and homes by their own time."""

    kind = "reach"


class Gaps(MapLayer):
    """Coverage mode: red hatching on inhabited land without a station in reach."""

    kind = "gaps"


class Redraw(MapLayer):
    """Redraw mode: the grids of a plan, coloured by their size against the band; needs a server."""

    kind = "redraw"

    def __init__(self, *, show: bool = True) -> None:
        super().__init__(show=show, style=STYLE["redraw"])


class Stations(MapLayer):
    """Stations as drop-shaped markers; in coverage mode with a sign for their kind."""

    kind = "stations"


class Names(MapLayer):
    """Names of streets and numbers of buildings, where there is room."""

    kind = "names"


class GridMap(folium.Map):
    """A Folium map of one jurisdiction.

    Parameters
    ----------
    bounds
        West, south, east, north in EPSG:4326 degrees; without them the browser takes those of the data.
    language
        Language that the page opens in.
    title
        Title on the page and on paper; default: the name of the jurisdiction.
    data
        Data to embed. With it the map is complete in itself and shows in notebooks; without it the browser
        asks the API at ``api_url`` and ``tiles_url``.
    layers
        Whether to add the usual layers; otherwise add them with ``add_to``.
    mode
        The mode that the page opens in: ``grids`` or ``coverage``.
    """

    default_js = [("leaflet", "/static/vendor/leaflet/leaflet.js")]  # noqa: RUF012 (Folium's name and type)
    default_css = [  # noqa: RUF012
        ("leaflet_css", "/static/vendor/leaflet/leaflet.css"),
        ("gridmap_css", "/static/gridmap/gridmap.css"),
        ("redraw_css", "/static/gridmap/redraw.css"),
    ]

    _template = Template(
        """
        {% macro html(this, kwargs) %}
        <div class="gm-map" id={{ this.get_name()|tojson }} tabindex="0"></div>
        {% endmacro %}
        {% macro script(this, kwargs) %}
        {{ this.folium_script(kwargs) }}
        {{ this.start_script() }}
        {% endmacro %}
        """
    )

    def __init__(
        self,
        bounds: tuple[float, float, float, float] | None = None,
        *,
        language: Language = "zh",
        title: Text | None = None,
        data: MapData | None = None,
        layers: bool = True,
        mode: Literal["grids", "coverage"] = "grids",
        static_url: str = "/static",
        api_url: str = "/v1",
        tiles_url: str = "/tiles",
        review_number: str = "",
        publisher: str = "",
    ) -> None:
        if data is not None:
            bounds = bounds or data.bounds
            title = title or data.title
            review_number = review_number or data.review_number
            publisher = publisher or data.publisher
        west, south, east, north = bounds or WHOLE_CHINA
        super().__init__(
            location=[round((south + north) / 2, 7), round((west + east) / 2, 7)],
            zoom_start=13 if bounds else 4,
            tiles=None,
            zoom_control=False,
            attributionControl=False,
            minZoom=3,
            maxZoom=MAX_ZOOM,
            zoomSnap=1,
            wheelPxPerZoomLevel=90,
        )
        self._id = "main"
        self.language = language
        self.data = data
        self.static_url = static_url
        self.default_js = [(name, self._static(url)) for name, url in type(self).default_js]
        self.default_css = [(name, self._static(url)) for name, url in type(self).default_css]
        self.settings: dict[str, Any] = {
            "language": language,
            "title": None if title is None else {"zh": title.zh, "en": title.en},
            "bounds": None if bounds is None else list(bounds),
            "api": api_url,
            "tiles": tiles_url,
            "tile_zoom": [MIN_ZOOM, MAX_ZOOM],
            "review_number": review_number,
            "publisher": publisher,
            "standalone": data is not None,
            "mode": mode,
        }
        if layers:
            # cells and plans live on a server
            cells = (Cells(),) if data is None else ()
            redraw = (Redraw(),) if data is None else ()
            coverage = (Coverage(), Reach(), Gaps())
            for layer in (VectorTiles(), Grids(), *cells, *coverage, *redraw, Communities(), Names(), Stations()):
                layer.add_to(self)

    def _static(self, url: str) -> str:
        return self.static_url + url.removeprefix("/static")

    def config(self) -> dict[str, Any]:
        """Return everything the browser needs: settings, layers in drawing order, style."""
        layers = [child.description() for child in self._children.values() if isinstance(child, MapLayer)]
        return {"map": self.get_name(), **self.settings, "layers": layers}

    def folium_script(self, kwargs: dict[str, Any]) -> str:
        """Return Folium's own code that makes the Leaflet map."""
        return str(folium.Map._template.module.script(self, kwargs))  # noqa: SLF001

    def start_script(self) -> str:
        """Return the code that hands the map to our modules; inlined modules are already in scope."""
        name = self.get_name()
        if self.data is not None:
            return f"$main.mount({name});"
        return f'import("{self.static_url}/gridmap/main.js").then((main) => main.mount({name}));'

    def components(self) -> tuple[str, str, str]:
        """Return Folium's three parts of a page: header, html, script."""
        root = self.get_root()
        if not isinstance(root, Figure):
            raise TypeError("the map must stand in a Figure of its own")
        root.render()
        return root.header.render(), root.html.render(), root.script.render()

    def page(self) -> str:
        """Return the map as one HTML file without any other request; needs ``data``."""
        from gridmap.maps.export import standalone_html

        if self.data is None:
            raise NotReady(
                "这张地图没有数据: 请用 GridMap(data=…) 生成, 或打开服务的 /map 页面。",
                "This map holds no data: make it with GridMap(data=…), or open the server's /map page.",
            )
        return standalone_html(self)

    def save(self, outfile: Any, close_file: bool = True, **kwargs: Any) -> None:
        """Write the stand-alone page to a path or binary file."""
        del kwargs
        content = self.page().encode()
        if hasattr(outfile, "write"):
            outfile.write(content)
            if close_file:
                outfile.close()
        else:
            with open(outfile, "wb") as file:  # noqa: PTH123 (str and bytes paths alike)
                file.write(content)

    def _repr_html_(self, **kwargs: Any) -> str:
        """Show the stand-alone page in a notebook, inside a frame."""
        del kwargs
        return (
            f'<iframe srcdoc="{html.escape(self.page())}" title="gridmap" loading="lazy" '
            'style="width:100%;height:640px;border:1px solid #d5d0c5" sandbox="allow-scripts allow-modals"></iframe>'
        )
