/** Data from the server. */
import { Pbf, VectorTile } from "../vendor/mvt/vector-tile.js";
import { featuresOf } from "./geo.js";
import { Tile } from "./tile.js";

/** A refusal of the server: `status`, and its sentence where it gave one. */
class Refusal extends Error {
  constructor(status, sentence) {
    super(sentence || String(status));
    this.status = status;
    this.sentence = sentence;
  }
}

async function ask(url, { signal, language } = {}) {
  const answer = await fetch(url, {
    signal,
    credentials: "same-origin",
    headers: { Accept: "application/json", ...(language ? { "Accept-Language": language } : {}) },
  });
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Refusal(answer.status, problem[language] ?? problem.detail ?? problem.title ?? "");
  }
  return answer.json();
}

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
  const get = (path, values = {}, options = {}) => {
    const query = new URLSearchParams(Object.entries(values).filter(([, v]) => v !== null && v !== undefined));
    return ask(`${api}/${path}${query.size ? `?${query}` : ""}`, { language: language(), ...options });
  };
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
  };
}
