/** Changes that are only tried: a list of edits to today's stations, each of which can be taken back. */

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

const rounded = (value) => Math.round(value * 1e7) / 1e7;

/** The number of the next station that is only tried. */
export const nextNumber = (changes) =>
  1 + Math.max(0, ...changes.filter(({ op }) => op === "add").map(({ code }) => Number(/(\d+)$/u.exec(code)?.[1] ?? 0)));

/** A station stands somewhere else; one that is only tried was put there from the start. */
export function moved(changes, code, lon, lat) {
  const place = { lon: rounded(lon), lat: rounded(lat) };
  if (changes.some((change) => change.op === "add" && change.code === code)) {
    return changes.map((change) => (change.op === "add" && change.code === code ? { ...change, ...place } : change));
  }
  const others = changes.filter((change) => !(change.station === code && ["move", "close"].includes(change.op)));
  return [...others, { op: "move", station: code, ...place }];
}

export const added = (changes, station) => [
  ...changes,
  { op: "add", ...station, lon: rounded(station.lon), lat: rounded(station.lat) },
];

export function closed(changes, code) {
  if (changes.some((change) => change.op === "add" && change.code === code)) {
    return changes.filter((change) => change.code !== code);
  }
  return [...changes.filter((change) => change.station !== code), { op: "close", station: code }];
}

/** Other hours: of a station that is only tried they are its own, of a real one a change. */
export function withHours(changes, code, text) {
  if (changes.some((change) => change.op === "add" && change.code === code)) {
    return changes.map((change) => (change.op === "add" && change.code === code ? { ...change, opening_hours: text } : change));
  }
  const others = changes.filter((change) => !(change.op === "hours" && change.station === code));
  return [...others, { op: "hours", station: code, opening_hours: text || null }];
}

/** A street is closed from junction to junction at a place. */
export const shut = (changes, street, lon, lat) => [...changes, { op: "close_street", street, lon: rounded(lon), lat: rounded(lat) }];

export const linked = (changes, path) => [...changes, { op: "link", path: path.map(([lon, lat]) => [rounded(lon), rounded(lat)]) }];

export function createWhatIf(onChange) {
  let changes = [];
  const past = [];
  const set = (next) => {
    if (same(next, changes)) return false;
    past.push(changes);
    changes = next;
    onChange(changes);
    return true;
  };
  return {
    changes: () => changes,
    canUndo: () => past.length > 0,
    move: (code, lon, lat) => set(moved(changes, code, lon, lat)),
    add: (station) => set(added(changes, station)),
    addAll: (stations) => set(stations.reduce(added, changes)),
    close: (code) => set(closed(changes, code)),
    hours: (code, text) => set(withHours(changes, code, text)),
    shut: (street, lon, lat) => set(shut(changes, street, lon, lat)),
    link: (path) => set(linked(changes, path)),
    drop: (i) => set(changes.filter((_, k) => k !== i)),
    clear: () => set([]),
    undo() {
      if (!past.length) return false;
      changes = past.pop();
      onChange(changes);
      return true;
    },
    /** Begin anew with the changes of a scenario, or with none. */
    open(list) {
      past.length = 0;
      changes = [...list];
      onChange(changes);
    },
  };
}
