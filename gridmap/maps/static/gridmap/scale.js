/** A scale bar in metres: black and white fields, a round length. */
import { s } from "./dom.js";
import { metresPerUnit } from "./geo.js";

/** The longest round length (1, 2, 5 × 10ⁿ metres) that fits into `room` px. */
export function roundLength(metresPerPx, room) {
  const most = metresPerPx * room;
  const power = 10 ** Math.floor(Math.log10(most));
  const length = [5, 2, 1].find((step) => step * power <= most) * power;
  return { metres: length, px: length / metresPerPx };
}

export const metresPerPx = (map) => metresPerUnit(map.getCenter().lat) / (256 * 2 ** map.getZoom());

export function drawScale(map, { room, number, unit }) {
  const { metres, px } = roundLength(metresPerPx(map), room);
  const fields = 4;
  const step = px / fields;
  const text = (value, x, last) =>
    s(
      "text",
      { x: x.toFixed(1), y: 11, "text-anchor": last ? "start" : "middle", "font-size": 11 },
      last ? `${number(value)} ${unit}` : number(value),
    );
  return s(
    "svg",
    { width: Math.ceil(px + 14 + 11 * (unit.length + 1) + widthHalf(number(metres))), height: 24, role: "img", "aria-label": `${number(metres)} ${unit}` },
    s(
      "g",
      { transform: "translate(8 0)" },
      ...Array.from({ length: fields }, (_, i) =>
        s("rect", {
          x: (i * step).toFixed(1),
          y: 15,
          width: step.toFixed(1),
          height: 5,
          class: i % 2 ? "gm-scale-light" : "gm-scale-dark",
        }),
      ),
      text(0, 0, false),
      text(metres / 2, px / 2, false),
      text(metres, px - widthHalf(number(metres)), true),
    ),
  );
}

const widthHalf = (text) => text.length * 3.1;
