/** Shares and their differences. */

/** How a share is said: 99.96 % is not everything, and one household of a city is not nothing. */
export function percent(share) {
  if (!Number.isFinite(share)) return "—";
  const value = Math.round(share * 1000) / 10;
  if (value >= 100 && share < 1) return "99.9%";
  return value <= 0 && share > 0 ? "0.1%" : `${value}%`;
}

/** Grids whose households in reach differ between two answers: code → difference. */
export function differences(before, after) {
  const old = new Map((before?.rows ?? []).map((row) => [row.code, row]));
  const found = new Map();
  for (const row of after?.rows ?? []) {
    const change = (row.households_covered ?? 0) - (old.get(row.code)?.households_covered ?? 0);
    if (change) found.set(row.code, change);
  }
  return found;
}
