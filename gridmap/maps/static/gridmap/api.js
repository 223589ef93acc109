/** Data from the server. */
import { Pbf, VectorTile } from "../vendor/mvt/vector-tile.js";
import { Refusal, queryText, send } from "./ask.js";
import { coverageApi } from "./coverageapi.js";
import { featuresOf } from "./geo.js";
import { planApi } from "./planapi.js";
import { Tile } from "./tile.js";

function decode(buffer) {
  const decoded = new VectorTile(new Pbf(new Uint8Array(buffer)));
  const layers = Object.entries(decoded.layers);
  const tile = new Tile(layers[0]?.[1].extent ?? 4096);
  for (const [name, layer] of layers) {
    for (let i = 0; i < layer.length; i += 1) {
      const feature = layer.feature(i);
      const parts = feature.loadGeometry().map((points) => points.flatMap(({ x, y }) => [x, y]));
      tile.add(name, { id: feature.id, ...feature.properties }, parts, feature.type === 3);
    }
  }
  return tile;
}

export function apiSource({ api, tiles, tile_zoom: [lowest] }, language) {
  let version = "";
  const get = async (path, values = {}, options = {}) =>
    (await send(`${api}/${path}${queryText(values)}`, { language: language(), ...options })).body;
  const tileOf = async (set, { z, x, y }, signal) => {
    const query = version ? `?v=${encodeURIComponent(version)}` : "";
    const answer = await fetch(`${tiles}/${set}/${z}/${x}/${y}.pbf${query}`, { signal, credentials: "same-origin" });
    if (answer.status === 204 || answer.status === 404) return null;
    if (!answer.ok) throw new Refusal(answer.status, "");
    return decode(await answer.arrayBuffer());
  };
  return {
    async jurisdiction() {
      const found = await get("jurisdiction");
      version = String(found.version ?? "");
      return found;
    },
    grids: async (level, at) => featuresOf(await get("grids", { level, at })),
    grid: (code, at) => get(`grids/${encodeURIComponent(code)}`, { at }),
    communities: async () => featuresOf(await get("areas", { level: "community" })),
    stations: async () => featuresOf(await get("stations")),
    locate: (lon, lat, at, signal) => get("locate", { lon: lon.toFixed(7), lat: lat.toFixed(7), at }, { signal }),
    check: async () => (await get("check")).findings,
    tile: async (coords, signal) => (coords.z < lowest ? null : tileOf("base", coords, signal)),
    cells: (coords, signal) => tileOf("cells", coords, signal),
    coverage: coverageApi(api, language),
    plans: planApi(api, language),
  };
}
