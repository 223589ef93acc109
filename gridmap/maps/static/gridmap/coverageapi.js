/** Coverage, scenarios and siting from the server, in the forms that the page draws. */
import { queryText, send } from "./ask.js";
import { featuresOf } from "./geo.js";
import { timesOf } from "./times.js";

const INCLUDED = ["area", "gaps", "buildings"];

export function coverageApi(api, language) {
  const ask = async (path, options = {}) => (await send(`${api}/${path}`, { language: language(), ...options })).body;
  const get = (path, query = {}, options = {}) => ask(`${path}${queryText(query)}`, options);
  const one = (id) => `scenarios/${encodeURIComponent(id)}`;

  return {
    tries: true,
    coverage: (query) => get("coverage", query),
    reach: async (query, limits) => featuresOf(await get("coverage/area", { ...query, each: limits.join(",") })),
    gaps: async (query) => {
      const found = await get("coverage/gaps", query);
      return { features: featuresOf(found), unattached: found.unattached ?? null };
    },
    times: async (query) => timesOf(await get("coverage/buildings", query)),
    async whatIf(query, changes, limits, include = INCLUDED) {
      const body = { ...query, changes, include, each: limits };
      const { area, gaps, buildings, ...cover } = await ask("coverage/what-if", { method: "POST", body });
      return {
        cover,
        reach: featuresOf(area ?? {}),
        gaps: { features: featuresOf(gaps ?? {}), unattached: gaps?.unattached ?? null },
        times: buildings ? timesOf(buildings) : null,
      };
    },
    /** The way from a point to its station; with changes, as it would be then. */
    route(query, changes, lon, lat, signal) {
      const point = { lon: Number(lon.toFixed(7)), lat: Number(lat.toFixed(7)) };
      if (!changes.length) return get("coverage/route", { ...query, ...point }, { signal });
      return ask("coverage/route", { method: "POST", body: { ...query, ...point, changes }, signal });
    },
    station: (code) => get(`stations/${encodeURIComponent(code)}`),
    stationArea: async (code, query) => {
      const feature = await get(`stations/${encodeURIComponent(code)}/area`, query);
      return { ...featuresOf({ features: [feature] })[0], properties: feature.properties ?? {} };
    },
    /** The station with its tag; saving needs the tag, so that nobody writes over somebody else. */
    async stationTagged(code) {
      const { body, headers } = await send(`${api}/stations/${encodeURIComponent(code)}`, { language: language() });
      return { ...body, etag: headers.get("ETag") };
    },
    async saveStation(code, etag, changes) {
      const options = { method: "PATCH", body: changes, headers: { "If-Match": etag }, language: language() };
      const { body, headers } = await send(`${api}/stations/${encodeURIComponent(code)}`, options);
      return { ...body, etag: headers.get("ETag") };
    },
    hours: (text, signal) => get("opening-hours", { text }, { signal }),
    streetNear: (lon, lat, within, signal) => get("streets/near", { lon: lon.toFixed(7), lat: lat.toFixed(7), within_m: Math.round(within) }, { signal }),
    street: (id) => get(`streets/${id}`),
    estates: async () => featuresOf(await get("estates", { gate: "assumed" })),
    addGate: (id, lon, lat) => ask(`estates/${id}/gates`, { method: "POST", body: { lon, lat } }),
    scenarios: async () => (await get("scenarios")).scenarios,
    async scenario(id) {
      const { body, headers } = await send(`${api}/${one(id)}`, { language: language() });
      return { ...body, etag: headers.get("ETag") };
    },
    async saveScenario(scenario, content) {
      const path = scenario ? one(scenario.id) : "scenarios";
      const options = { method: scenario ? "PUT" : "POST", body: content, language: language() };
      if (scenario) options.headers = { "If-Match": scenario.etag };
      const { body, headers } = await send(`${api}/${path}`, options);
      return { ...body, etag: headers.get("ETag") };
    },
    deleteScenario: ({ id, etag }) => ask(one(id), { method: "DELETE", headers: { "If-Match": etag } }),
    applyScenario: ({ id, etag }) => ask(`${one(id)}/apply`, { method: "POST", body: {}, headers: { "If-Match": etag } }),
    siting: (order) => ask("siting", { method: "POST", body: order }),
    job: (id) => get(`jobs/${id}`),
    cancelJob: (id) => ask(`jobs/${id}`, { method: "DELETE" }),
  };
}
