/** Painters of the base map: ground and land use go under the grids' fills, the rest above them. */
import { between } from "./canvas.js";

/** `filled(name)`: whether a mode with fills shows a layer, so that the ground keeps back for them. */
export function basePainters(style, shown, filled) {
  const paths = (context, view, draw) => {
    if (!view.content) return;
    const unit = view.content.extent / view.size;
    context.scale(1 / unit, 1 / unit);
    draw(view.content.paths, unit);
  };

  const ground = (context, view) => {
    context.fillStyle = style.ground;
    context.fillRect(0, 0, view.size, view.size);
  };

  const landuse = (context, view) => {
    if (!shown("base")) return;
    // Under fills the ground only whispers: strong patches would be read as other grids.
    context.globalAlpha = filled("grids") ? style.landuse_under_fills : 1;
    paths(context, view, (all) => {
      for (const [key, path] of all) {
        if (!key.startsWith("landuse:")) continue;
        context.fillStyle = style.landuse[key.slice(8)] ?? style.landuse.other;
        context.fill(path);
      }
    });
  };

  const water = (context, view) => {
    if (!shown("base")) return;
    paths(context, view, (all, unit) => {
      context.lineJoin = "round";
      const lines = all.get("water-line");
      if (lines) {
        context.strokeStyle = style.water.fill;
        context.lineWidth = between(style.water.line, view.zoom) * unit;
        context.stroke(lines);
      }
      const areas = all.get("water");
      if (areas) {
        context.fillStyle = style.water.fill;
        context.fill(areas);
        context.strokeStyle = style.water.edge;
        context.lineWidth = 0.8 * unit;
        context.stroke(areas);
      }
    });
  };

  /** What runs below the ground: a breath of its width and a broken line along its middle. */
  const tunnel = (look, path, stroke, context, view) => {
    const { band_opacity: opacity, line, line_width: width, dash } = style.streets.tunnel;
    context.lineCap = "butt";
    if (look.casing) {
      context.globalAlpha = opacity;
      stroke(path, look.fill, between(look.width, view.zoom));
    }
    context.globalAlpha = 1;
    stroke(path, look.casing ? line : look.fill, look.casing ? width : between(look.width, view.zoom), dash);
  };

  const streets = (context, view) => {
    if (!shown("base")) return;
    paths(context, view, (all, unit) => {
      context.lineJoin = "round";
      const stroke = (path, colour, width, dash = []) => {
        context.strokeStyle = colour;
        context.lineWidth = width * unit;
        context.setLineDash(dash.map((length) => length * unit));
        context.stroke(path);
      };
      const classes = [...style.streets.order, "rail"].filter(
        (name) => view.zoom >= style.streets[name].from_zoom,
      );
      for (const where of ["tunnel", "ground", "bridge"]) {
        const found = classes
          .map((name) => [style.streets[name], all.get(`streets:${name}:${where}`)])
          .filter(([, path]) => path);
        if (where === "tunnel") {
          found.forEach(([look, path]) => tunnel(look, path, stroke, context, view));
          continue;
        }
        // In coverage mode reach and gaps go on below the streets.
        context.globalAlpha = filled("grids") || !shown("reach") ? 1 : style.streets.opacity_over_reach;
        for (const [look, path] of found) {
          if (!look.casing) continue;
          const width = between(look.width, view.zoom);
          context.lineCap = where === "ground" ? "round" : "butt";
          const edge = where === "bridge" ? look.casing_width + 0.8 : look.casing_width;
          const colour = where === "bridge" ? style.streets.bridge : look.casing;
          stroke(path, colour, width + 2 * edge);
        }
        for (const [look, path] of found) {
          context.lineCap = where === "ground" && !look.dash ? "round" : "butt";
          stroke(path, look.fill, between(look.width, view.zoom), look.dash ?? []);
        }
      }
    });
  };

  const buildings = (context, view) => {
    if (!shown("base") || view.zoom < style.buildings.from_zoom) return;
    paths(context, view, (all, unit) => {
      const path = all.get("buildings");
      if (!path) return;
      context.globalAlpha = style.buildings.opacity;
      context.fillStyle = style.buildings.fill;
      context.fill(path);
      if (view.zoom < 15) return;
      context.globalAlpha = style.buildings.edge_opacity;
      context.strokeStyle = style.buildings.edge;
      context.lineWidth = (view.zoom >= 17 ? 0.9 : 0.6) * unit;
      context.stroke(path);
    });
  };

  return { ground, landuse, water, streets, buildings };
}
