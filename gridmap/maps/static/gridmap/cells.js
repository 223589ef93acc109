/** Painters of the cells: hairlines between the smallest pieces of land, open land a faint green. */
import { between } from "./canvas.js";

export function cellsPainters(style, shown) {
  const draw = (key, ink) => (context, view) => {
    const tile = view.content?.cells;
    const path = shown("cells") && tile?.paths.get(key);
    if (!path) return;
    const unit = tile.extent / view.size;
    context.scale(1 / unit, 1 / unit);
    ink(context, path, view, unit);
  };

  const open = draw("cells:open", (context, path) => {
    // A grid keeps its own colour: beside its fill the green only whispers.
    context.globalAlpha = shown("grids") ? style.open_under_fills : style.open_opacity;
    context.fillStyle = style.open;
    context.fill(path, "evenodd");
  });

  const lines = draw("cells:line", (context, path, view, unit) => {
    // One path for all: an edge that two cells share is inked once.
    context.globalAlpha = style.line_opacity;
    context.strokeStyle = style.line;
    context.lineWidth = between(style.line_width, view.zoom) * unit;
    context.lineJoin = "round";
    context.stroke(path);
  });

  return { open, lines };
}
