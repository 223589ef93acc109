/** Painter of the cells: hairlines between the smallest pieces of land, open land a faint green. */
import { between } from "./canvas.js";

export function cellsPainter(style, shown) {
  return (context, view) => {
    const tile = view.content?.cells;
    if (!tile || !shown("cells")) return;
    const unit = tile.extent / view.size;
    context.scale(1 / unit, 1 / unit);
    const open = tile.paths.get("cells:open");
    if (open) {
      context.globalAlpha = style.open_opacity;
      context.fillStyle = style.open;
      context.fill(open, "evenodd");
    }
    // One path for all: an edge that two cells share is inked once.
    const lines = tile.paths.get("cells:line");
    if (!lines) return;
    context.globalAlpha = style.line_opacity;
    context.strokeStyle = style.line;
    context.lineWidth = between(style.line_width, view.zoom) * unit;
    context.lineJoin = "round";
    context.stroke(lines);
  };
}
