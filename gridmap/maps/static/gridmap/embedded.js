/** Data from the page itself: the stand-alone map answers everything without a server. */
import { embeddedCoverage } from "./embeddedcoverage.js";
import { boxOf, contains, edgeDistance, latOf, lonOf, meets, metresPerUnit, worldX, worldY } from "./geo.js";
import { Tile } from "./tile.js";

const NEAR_M = 15;
const BUCKET_ZOOM = 14;

/** Undo `encode_layer`: columns to properties, integer steps to the unit square. */
function decode({ columns, geometry }, step) {
  const names = Object.keys(columns);
  return geometry.map((parts, i) => {
    const properties = Object.fromEntries(names.map((name) => [name, columns[name][i]]));
    const lines = parts.map((steps) => {
      const out = new Float64Array(steps.length);
      let lon = 0;
      let lat = 0;
      for (let k = 0; k < steps.length; k += 2) {
        lon += steps[k];
        lat += steps[k + 1];
        out[k] = worldX(lon * step);
        out[k + 1] = worldY(lat * step);
      }
      return out;
    });
    const [x, y] = lines[0];
    return { properties, rings: lines, box: boxOf(lines), x, y, lon: lonOf(x), lat: latOf(y) };
  });
}

/** Features of the base layers by the tiles of one zoom that they touch. */
function bucketsOf(layers) {
  const buckets = new Map();
  const span = 2 ** BUCKET_ZOOM;
  for (const [name, features] of Object.entries(layers)) {
    for (const feature of features) {
      const [left, top, right, bottom] = feature.box.map((value) => Math.floor(value * span));
      const item = { name, feature };
      for (let x = left; x <= right; x += 1) {
        for (let y = top; y <= bottom; y += 1) {
          const key = `${x}/${y}`;
          if (buckets.has(key)) buckets.get(key).push(item);
          else buckets.set(key, [item]);
        }
      }
    }
  }
  return buckets;
}

export function embeddedSource(data, { tile_zoom: [lowest] }) {
  const grids = Object.fromEntries(
    Object.entries(data.grids).map(([level, layer]) => [level, decode(layer, data.step)]),
  );
  const communities = decode(data.communities, data.step);
  const stations = decode(data.stations, data.step);
  const base = Object.fromEntries(
    Object.entries(data.base).map(([name, layer]) => [name, decode(layer, data.step)]),
  );
  const buckets = bucketsOf(base);
  const levels = Object.keys(grids).map(Number).sort((a, b) => a - b);
  const leaf = grids[levels[levels.length - 1]] ?? [];
  const find = (code) =>
    levels.map((level) => grids[level].find((f) => f.properties.code === code)).find(Boolean) ?? null;

  const chainOf = (grid) => {
    const chain = [];
    for (let here = grid; here && chain.length < 9; here = find(here.properties.parent_code)) {
      const { level, code, name } = here.properties;
      chain.unshift({ level, code, name });
      if (here.properties.parent_code === code) break;
    }
    return chain;
  };

  const nearestStations = (x, y, lat) =>
    stations
      .map((station) => ({
        code: station.properties.code,
        name: station.properties.name,
        distance_m: Math.hypot(station.x - x, station.y - y) * metresPerUnit(lat),
      }))
      .sort((a, b) => a.distance_m - b.distance_m)
      .slice(0, 3);

  const within = (features, x, y) => features.find((feature) => contains(feature, x, y)) ?? null;

  return {
    jurisdiction: async () => data.jurisdiction,
    grids: async (level) => grids[level] ?? [],
    communities: async () => communities,
    stations: async () => stations,
    check: async () => [],
    coverage: data.coverage
      ? embeddedCoverage(data.coverage, (layer) => decode(layer, data.step), { buildings: base.buildings ?? [], stations })
      : null,

    async grid(code) {
      const grid = find(code);
      if (!grid) throw new Error(code);
      return {
        grid: grid.properties,
        chain: chainOf(grid),
        duties: data.duties[code] ?? [],
        stations: stations
          .filter((station) => contains(grid, station.x, station.y))
          .map(({ properties: { code: id, name } }) => ({ code: id, name })),
      };
    },

    async locate(lon, lat) {
      const x = worldX(lon);
      const y = worldY(lat);
      const metres = metresPerUnit(lat);
      const building = within(base.buildings ?? [], x, y);
      const grid = within(leaf, x, y);
      const community = within(communities, x, y);
      const others = leaf
        .filter((feature) => feature !== grid)
        .map(({ properties, ...feature }) => ({
          code: properties.code,
          name: properties.name,
          distance_m: edgeDistance(feature, x, y) * metres,
        }))
        .sort((a, b) => a.distance_m - b.distance_m);
      const candidates = building || !grid ? [] : others.filter((other) => other.distance_m < NEAR_M);
      const named = (feature) => feature && { code: feature.properties.code, name: feature.properties.name };
      return {
        building: building && building.properties,
        grid: grid && grid.properties,
        chain: grid ? chainOf(grid) : [],
        community: named(community),
        near_boundary: candidates.length > 0,
        boundary_m: grid ? edgeDistance(grid, x, y) * metres : null,
        candidates,
        nearest: grid ? null : (others[0] ?? null),
        parent: grid ? null : named(community),
        duties: grid ? (data.duties[grid.properties.code] ?? []) : [],
        stations: nearestStations(x, y, lat),
        edition: data.jurisdiction.edition ?? null,
      };
    },

    async tile({ z, x, y }) {
      if (z < lowest) return null;
      const span = 2 ** z;
      const reach = 4 / 256;
      const box = [(x - reach) / span, (y - reach) / span, (x + 1 + reach) / span, (y + 1 + reach) / span];
      const [left, top, right, bottom] = box.map((value) => Math.floor(value * 2 ** BUCKET_ZOOM));
      const items = new Set();
      for (let bx = left; bx <= right; bx += 1) {
        for (let by = top; by <= bottom; by += 1) {
          for (const item of buckets.get(`${bx}/${by}`) ?? []) {
            if ((item.name !== "buildings" || z >= 14) && meets(item.feature.box, box)) items.add(item);
          }
        }
      }
      const tile = new Tile(256);
      for (const { name, feature } of items) {
        const parts = feature.rings.map((ring) =>
          ring.map((value, i) => (value * span - (i % 2 ? y : x)) * 256),
        );
        const ring = feature.rings[0];
        const last = ring.length - 2;
        const area = name !== "streets" && ring[0] === ring[last] && ring[1] === ring[last + 1];
        tile.add(name, feature.properties, parts, area);
      }
      return tile;
    },
  };
}
