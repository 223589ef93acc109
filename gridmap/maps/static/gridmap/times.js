/** Walking seconds of buildings, from columns to a look-up. */

/** Seconds by the identifier of a building; null: beyond every limit. */
export function timesOf({ id, seconds }) {
  const times = new Map();
  for (let i = 0; i < id.length; i += 1) times.set(String(id[i]), seconds[i]);
  return times;
}
