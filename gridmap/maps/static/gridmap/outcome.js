/** Grids that a try changes: a strong outline, green-blue for more, purple and dashed for less. */
import { outlined } from "./canvas.js";
import { meets } from "./geo.js";

/** `outcome()` is the difference of households by grid code. */
export function outcomePainter(style, grids, outcome) {
  return (context, view) => {
    const changed = outcome();
    if (!changed.size) return;
    context.lineJoin = "round";
    for (const feature of grids()) {
      const change = changed.get(feature.properties.code);
      if (!change || !meets(feature.box, view.box)) continue;
      outlined(context, feature, view, (path) => {
        context.setLineDash([]);
        context.strokeStyle = "#fff";
        context.lineWidth = 5;
        context.globalAlpha = 0.9;
        context.stroke(path);
        context.globalAlpha = 1;
        context.strokeStyle = change > 0 ? style.gain : style.loss;
        context.lineWidth = 2.6;
        context.setLineDash(change > 0 ? [] : [7, 4]);
        context.stroke(path);
      });
    }
  };
}
