/** What is asked in coverage mode: how far, how fast, to which stations; and how it is said to the server. */

export const STEPS = [5, 10, 15, 20];
export const LONGEST = 240;
export const PROFILES = ["default", "elderly", "wheels"];
export const OPENINGS = ["sunday", "20:00"];

export const usual = () => ({ minutes: 15, profile: "default", kinds: [], services: [], tier: null, open: null });

/** A number of minutes that can be asked for, or null. */
export function minutesOf(value) {
  const minutes = Number(value);
  return Number.isFinite(minutes) && minutes > 0 && minutes <= LONGEST ? Math.round(minutes * 10) / 10 : null;
}

/** The positions of the slider: the usual ones, or those that a map without a server holds. */
export const stepsOf = (source) => source.steps ?? STEPS;

/** The limits that are drawn: the usual ones below the limit, then the limit itself. */
export const limitsOf = (minutes) => [...STEPS.filter((step) => step < minutes), minutes];

/** Up to the longest usual limit everything is asked at once, so that the slider needs no further answer. */
export const drawnLimits = (minutes) => (STEPS.includes(minutes) ? STEPS : limitsOf(minutes));

/** Names and values of the query; a list is repeated. Empty lists ask for every kind and service. */
export function queryOf({ minutes, profile, kinds, services, tier, open }) {
  const query = { minutes };
  if (profile !== "default") query.profile = profile;
  if (kinds.length) query.kind = [...kinds].sort();
  if (services.length) query.service = [...services].sort();
  if (tier) query.tier = tier;
  if (open) query.open_at = open;
  return query;
}

/** The question in the fragment of the address; `read` undoes it. */
export function writeQuestion({ minutes, profile, kinds, services, tier, open }) {
  const list = (values) => values.map(encodeURIComponent).join(",");
  return [
    ["min", minutes === 15 ? "" : minutes],
    ["profile", profile === "default" ? "" : profile],
    ["kinds", list(kinds)],
    ["services", list(services)],
    ["tier", tier ?? ""],
    ["open", open ?? ""],
  ]
    .filter(([, value]) => value !== "")
    .map(([name, value]) => `${name}=${value}`);
}

export function readQuestion(values) {
  const list = (name) =>
    (values.get(name) ?? "")
      .split(",")
      .filter(Boolean)
      .slice(0, 60)
      .map((word) => {
        try {
          return decodeURIComponent(word).slice(0, 120);
        } catch {
          return "";
        }
      })
      .filter(Boolean);
  const found = usual();
  found.minutes = minutesOf(values.get("min") ?? 15) ?? found.minutes;
  if (PROFILES.includes(values.get("profile"))) found.profile = values.get("profile");
  if (OPENINGS.includes(values.get("open"))) found.open = values.get("open");
  if (values.get("tier") === "1") found.tier = 1;
  found.kinds = list("kinds");
  found.services = list("services");
  return found;
}
