/** The permalink: what is shown, in the fragment of the address. */
import { readQuestion, writeQuestion } from "./question.js";

export function readHash(hash) {
  const values = new URLSearchParams(hash.replace(/^#/u, ""));
  const [zoom, lat, lon] = (values.get("map") ?? "").split("/").map(Number);
  const found = {};
  if ([zoom, lat, lon].every(Number.isFinite) && Math.abs(lat) <= 90 && Math.abs(lon) <= 180) {
    found.view = { zoom, lat, lon };
  }
  const level = Number(values.get("level"));
  if (Number.isInteger(level) && level > 0) found.level = level;
  if (["zh", "en"].includes(values.get("lang"))) found.language = values.get("lang");
  if (values.get("grid")) found.selected = values.get("grid").slice(0, 40);
  if (/^\d{4}-\d{2}-\d{2}/u.test(values.get("at") ?? "")) found.at = values.get("at");
  found.paper = values.has("paper");
  if (["grids", "coverage", "redraw"].includes(values.get("mode"))) found.mode = values.get("mode");
  const plan = Number(values.get("plan"));
  if (found.mode === "redraw" && Number.isSafeInteger(plan) && plan > 0) found.plan = plan;
  if (found.mode === "coverage") found.question = readQuestion(values);
  for (const [key, name] of [["hide", "hidden"], ["show", "shown"]]) {
    found[name] = new Set((values.get(key) ?? "").split(",").filter(Boolean));
  }
  return found;
}

export function writeHash({ zoom, lat, lon, level, language, selected, at, hidden, shown, question, redraw }) {
  const parts = [`map=${zoom}/${lat.toFixed(5)}/${lon.toFixed(5)}`];
  if (question) parts.push("mode=coverage", ...writeQuestion(question));
  if (redraw) parts.push("mode=redraw", ...(redraw.plan ? [`plan=${redraw.plan}`] : []));
  parts.push(`level=${level}`);
  if (selected) parts.push(`grid=${encodeURIComponent(selected)}`);
  if (at) parts.push(`at=${encodeURIComponent(at)}`);
  if (hidden.size) parts.push(`hide=${[...hidden].sort().join(",")}`);
  if (shown.size) parts.push(`show=${[...shown].sort().join(",")}`);
  parts.push(`lang=${language}`);
  return `#${parts.join("&")}`;
}
