/** Coverage of a stand-alone map: the answers that were embedded; what needs a server is not offered. */
import { contains, worldX, worldY } from "./geo.js";
import { timesOf } from "./times.js";

/** `decode(layer)` undoes the encoding of layers; `base` and `stations` are those of the map. */
export function embeddedCoverage(data, decode, { buildings, stations }) {
  const times = data.buildings ? timesOf(data.buildings) : null;
  const reach = decode(data.reach);
  const gaps = Object.fromEntries(
    Object.entries(data.gaps).map(([minutes, { layer, unattached }]) => [minutes, { features: decode(layer), unattached }]),
  );
  const index = new Map((data.buildings?.id ?? []).map((id, i) => [String(id), i]));
  const stationOf = (building) => {
    const code = data.buildings?.stations?.[data.buildings.station?.[index.get(String(building))]];
    const row = Object.values(data.answers)[0]?.stations?.find((one) => one.code === code);
    return row ? { code, name: row.name, kind: row.kind } : null;
  };
  return {
    tries: false,
    steps: Object.keys(data.answers).map(Number).sort((a, b) => a - b),
    minutes: data.minutes,
    coverage: async ({ minutes }) => data.answers[minutes],
    reach: async () => reach,
    gaps: async ({ minutes }) => gaps[minutes] ?? { features: [], unattached: null },
    times: async () => times,
    async route(_query, _changes, lon, lat) {
      const [x, y] = [worldX(lon), worldY(lat)];
      const building = buildings.find((feature) => contains(feature, x, y));
      if (!building) return { building: null, seconds: null, message: null, unknown: true };
      const { id, label = null } = building.properties;
      return { building: { id, label }, seconds: times?.get(String(id)) ?? null, station: stationOf(id), path: null, unknown: !times?.has(String(id)) };
    },
    station: async (code) => data.facts[code] ?? stations.find(({ properties }) => properties.code === code)?.properties ?? null,
    stationArea: async () => null,
  };
}
