/** Named scenarios: kept, opened, deleted, and, only when somebody says so, made real. */

export function createScenarios({ store, source, whatif, words, say, sentence, settling }) {
  const { t } = words;
  const { state } = store;
  const titleOf = (scenario) => scenario.title ?? scenario.name ?? String(scenario.id);

  async function done(act) {
    try {
      const result = await act();
      store.set({ scenarios: await source.scenarios(), problem: "" });
      return result;
    } catch (error) {
      store.set({ problem: sentence(error) });
      return undefined;
    }
  }

  function leave() {
    store.set({ scenario: null });
    whatif.open([]);
  }

  return {
    titleOf,
    leave,
    /** Without an act of the planner: a refusal that stands there is about something else and stays. */
    async list() {
      if (!source.tries) return;
      try {
        store.set({ scenarios: await source.scenarios() });
      } catch (error) {
        store.set({ problem: sentence(error) });
      }
    },
    async save(title, anew) {
      const kept = anew ? null : state.scenario;
      const saved = await done(() => source.saveScenario(kept, { title, changes: state.changes }));
      if (!saved) return false;
      store.set({ scenario: saved });
      say(t("scenario.saved", { name: title }));
      return true;
    },
    async open(id) {
      const found = await done(() => source.scenario(id));
      if (!found) return;
      store.set({ scenario: found, tab: "tries" });
      whatif.open(found.changes ?? []);
    },
    async remove(id) {
      const gone = await done(async () => {
        await source.deleteScenario(await source.scenario(id));
        return true;
      });
      if (gone && state.scenario?.id === id) store.set({ scenario: null });
      if (gone) say(t("scenario.deleted"));
    },
    /** The changes become real: only this asks the server to change anything but scenarios. */
    async apply() {
      const settled = settling();
      const real = await done(async () => {
        const fresh = await source.scenario(state.scenario.id);
        await source.applyScenario(fresh);
        return true;
      });
      if (!real) return false;
      leave();
      await settled();
      say(t("scenario.applied"));
      return true;
    },
  };
}
