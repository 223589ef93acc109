/** The state of the page and who wants to know when which part of it changes. */

export function createStore(initial) {
  const state = { ...initial };
  const listeners = [];
  return {
    state,
    set(patch) {
      const changed = Object.keys(patch).filter((key) => state[key] !== patch[key]);
      if (!changed.length) return;
      Object.assign(state, patch);
      for (const [keys, listener] of listeners) {
        if (keys.some((key) => changed.includes(key))) listener(changed);
      }
    },
    on(keys, listener) {
      listeners.push([keys, listener]);
    },
  };
}
