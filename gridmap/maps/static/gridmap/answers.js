/** Answers of the coverage mode: each is asked for once and kept, so that a second look costs nothing. */
import { drawnLimits, queryOf } from "./question.js";

const MOST = 160;

/** `by()` says for which areas figures are wanted: grid, level1 … */
export function createAnswers(source, by) {
  const kept = new Map();
  let round = 0;

  /** Ask once; a failure is forgotten, the oldest answers go first. */
  const once = (key, ask) => {
    const known = kept.get(key);
    if (known) return known;
    const entry = { value: undefined, promise: null };
    entry.promise = ask().then(
      (value) => {
        entry.value = value;
        return value;
      },
      (error) => {
        kept.delete(key);
        throw error;
      },
    );
    kept.set(key, entry);
    if (kept.size > MOST) kept.delete(kept.keys().next().value);
    return entry;
  };

  const parts = (question, changes) => {
    const query = queryOf(question);
    const limits = drawnLimits(question.minutes);
    const figures = { ...query, by: by() };
    const key = JSON.stringify([round, figures, changes]);
    if (changes.length) {
      // What is drawn serves every position of the slider, too: other limits ask for their figures and gaps alone.
      const drawing = `drawn ${JSON.stringify([round, { ...query, minutes: limits[limits.length - 1] }, limits, changes])}`;
      const drawn = kept.get(drawing)?.value;
      const whole = once(`what-if ${key}`, async () => {
        if (drawn) return { ...(await source.whatIf(figures, changes, [], ["gaps"])), ...drawn };
        const found = await source.whatIf(figures, changes, limits);
        kept.set(drawing, { value: { reach: found.reach, times: found.times } });
        return found;
      });
      return { whole };
    }
    // Drawing and buildings up to the longest usual limit serve every position of the slider.
    const farthest = { ...query, minutes: limits[limits.length - 1] };
    const shared = JSON.stringify([round, farthest, limits]);
    return {
      cover: once(`cover ${key}`, () => source.coverage(figures)),
      gaps: once(`gaps ${JSON.stringify([round, query])}`, () => source.gaps(query)),
      reach: once(`reach ${shared}`, () => source.reach(farthest, limits)),
      times: once(`times ${shared}`, () => source.times(farthest)),
    };
  };

  const joined = (question, entries) => {
    if (entries.whole) return entries.whole.value && { ...entries.whole.value, minutes: question.minutes };
    const values = Object.entries(entries).map(([name, { value }]) => [name, value]);
    return values.every(([, value]) => value !== undefined)
      ? { ...Object.fromEntries(values), minutes: question.minutes }
      : null;
  };

  return {
    /** The answer if every part of it is here, else null. */
    ready: (question, changes) => joined(question, parts(question, changes)),
    async load(question, changes) {
      const entries = parts(question, changes);
      await Promise.all(Object.values(entries).map(({ promise }) => promise));
      return joined(question, entries);
    },
    /** Forget everything: the data have changed. */
    clear() {
      round += 1;
      kept.clear();
    },
  };
}
