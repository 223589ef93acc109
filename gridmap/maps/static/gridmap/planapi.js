/** Plans from the server: each step answers with what it changed, ready to be drawn. */
import { queryText, send } from "./ask.js";
import { featuresOf } from "./geo.js";

/** A grid of an answer as a feature; one without land has no place and is left out. */
const featureOf = ({ geometry, ...properties }) => (geometry ? featuresOf({ features: [{ geometry, properties }] })[0] : null);

const stepOf = (step) => ({ ...step, features: step.grids.map(featureOf).filter(Boolean) });

export function planApi(api, language) {
  const ask = async (path, options = {}) => (await send(`${api}/plans${path}`, { language: language(), ...options })).body;
  const post = (path, body) => ask(path, { method: "POST", body });

  return {
    list: async () => (await ask("")).plans,
    make: (title) => post("", { title }),
    show: (id) => ask(`/${id}`),
    grids: async (id) => featuresOf(await ask(`/${id}/grids`)),
    warnings: async (id) => (await ask(`/${id}/score`)).warnings,
    log: async (id, limit) => (await ask(`/${id}/ops${queryText({ limit })}`)).operations,
    diff: (id) => ask(`/${id}/diff`),
    buildings: async (id, grid) => (await ask(`/${id}/buildings${queryText({ grid })}`)).buildings,
    operate: async (id, base, operation) => stepOf(await post(`/${id}/ops`, { base_revision: base, operation })),
    propose: (id, order) => post(`/${id}/auto`, order),
    proposals: async (id) => (await ask(`/${id}/auto`)).proposals,
    take: async (id, proposal, candidate, preview) => stepOf(await post(`/${id}/auto/${proposal}/take`, { candidate, preview })),
    job: async (id) => (await send(`${api}/jobs/${id}`, { language: language() })).body,
    cancelJob: async (id) => (await send(`${api}/jobs/${id}`, { method: "DELETE", language: language() })).body,
    rebase: (id, order) => post(`/${id}/rebase`, order),
    move: (id, how, body) => post(`/${id}/${how}`, body),
  };
}
