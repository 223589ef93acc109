/** Which figures are known: none is shown as 0 when nobody has counted. */

/**
 * The figures of grids. 0 households are known only where somebody has counted: a grid without buildings, or a
 * database in which every household is an estimate from the use of its building, knows of none.
 */
export function createFigures(jurisdiction) {
  const total = (name) => jurisdiction()?.counts?.[name];
  const counted = (name, grid) => {
    const value = grid[name];
    if (!Number.isFinite(value)) return false;
    if (value !== 0) return true;
    if (name === "buildings") return total("buildings") !== 0;
    const anyCounted = total("households") !== (total("households_estimated") ?? 0);
    return grid.buildings !== 0 && total("buildings") !== 0 && anyCounted;
  };
  const sum = (name, grids) =>
    grids.some((grid) => counted(name, grid)) ? grids.reduce((all, grid) => all + (grid[name] ?? 0), 0) : null;
  return {
    /** A figure of a grid, or null when it is not known. */
    of: (name, grid) => (counted(name, grid) ? grid[name] : null),
    /** The sum over grids, or null when it is known of none of them. */
    sum,
    /** The figure of the whole jurisdiction, else that of the grids shown. */
    total: (name, grids) => (total(name) > 0 ? total(name) : sum(name, grids)),
  };
}
