/** Changing the facts of a real station: what was read, what is written, and what to do when somebody else was faster. */
import { CHECKS, checksOf } from "./coverdetails.js";

export const FIELDS = ["name", "kind", "tier", "services", "opening_hours", "tenure", "rooms", "address", "checks"];

/** The facts as a form holds them: texts, lists and checks of its own. */
export function draftOf(facts) {
  const { checks } = checksOf(facts);
  return {
    name: facts.name ?? "",
    kind: facts.kind ?? "",
    tier: facts.tier ?? null,
    services: [...(facts.services ?? [])],
    opening_hours: facts.opening_hours ?? "",
    tenure: facts.tenure ?? "",
    rooms: [...(facts.rooms ?? [])],
    address: facts.address ?? "",
    checks: Object.fromEntries(checks),
  };
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const EMPTY_IS_NONE = new Set(["opening_hours", "tenure", "address"]);

/** Only what differs from what was read is sent: what somebody else changed beside it stays. */
export function changesOf(base, draft) {
  const before = draftOf(base);
  const changes = {};
  for (const name of FIELDS) {
    if (same(before[name], draft[name])) continue;
    if (name === "checks") changes.checks = Object.fromEntries(CHECKS.filter((check) => before.checks[check] !== draft.checks[check]).map((check) => [check, draft.checks[check]]));
    else changes[name] = EMPTY_IS_NONE.has(name) && draft[name] === "" ? null : draft[name];
  }
  return changes;
}

/** Names of the fields in which two readings of a station differ. */
export const differing = (one, other) => FIELDS.filter((name) => !same(draftOf(one)[name], draftOf(other)[name]));

export function createStationEdit({ store, source, sentence, say, words, settling, opened, reopen }) {
  const { t } = words;
  const { state } = store;
  const told = (patch) => state.edit && store.set({ edit: { ...state.edit, ...patch } });

  async function open(code) {
    const { etag, ...base } = await source.stationTagged(code);
    opened();
    store.set({ view: "edit", edit: { code, etag, base, draft: draftOf(base), problem: "", theirs: null, saving: false } });
  }

  async function save() {
    const { code, etag, base, draft, saving } = state.edit;
    const changes = changesOf(base, draft);
    if (saving) return false;
    if (!Object.keys(changes).length) {
      told({ problem: t("edit.nothing") });
      return false;
    }
    told({ saving: true, problem: "" });
    const settled = settling();
    try {
      await source.saveStation(code, etag, changes);
    } catch (error) {
      if (error.status !== 412) {
        told({ saving: false, problem: sentence(error) });
        return false;
      }
      const { etag: fresh, ...theirs } = await source.stationTagged(code).catch(() => ({ etag, ...base }));
      told({ saving: false, problem: sentence(error), theirs: { etag: fresh, facts: theirs, fields: differing(base, theirs) } });
      return false;
    }
    told({ base: { ...base, ...draft } });
    await settled();
    say(t("edit.saved", { name: draft.name }));
    reopen(code);
    return true;
  }

  return {
    open,
    save,
    /** Whether something is typed that is not saved. */
    dirty: () => Boolean(state.edit && Object.keys(changesOf(state.edit.base, state.edit.draft)).length),
    warn: () => told({ problem: t("edit.unsaved") }),
    /** Go on with what somebody else wrote; with `mine` what was typed here stays and is written over it. */
    goOn(mine) {
      const { theirs, base, draft } = state.edit;
      const fresh = draftOf(theirs.facts);
      if (mine) {
        const before = draftOf(base);
        for (const name of FIELDS) {
          if (name === "checks") {
            for (const check of CHECKS) if (before.checks[check] !== draft.checks[check]) fresh.checks[check] = draft.checks[check];
          } else if (!same(before[name], draft[name])) fresh[name] = draft[name];
        }
      }
      told({ etag: theirs.etag, base: theirs.facts, draft: fresh, theirs: null, problem: "" });
    },
  };
}
