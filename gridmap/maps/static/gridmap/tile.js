/** What one tile of the base map holds, ready to be drawn: a Path2D for each style, and names. */

const STREETS = new Set(["major", "minor", "lane", "foot", "rail", "other"]);

export class Tile {
  /** `extent` is the tile's width in the units of its coordinates. */
  constructor(extent) {
    this.extent = extent;
    this.paths = new Map();
    this.streets = [];
    this.buildings = [];
    this.footprints = [];
  }

  /** Add a feature of a layer; `parts` are flat coordinate arrays, closed when `area` is true. */
  add(layer, properties, parts, area) {
    if (layer === "landuse") this.#draw(`landuse:${properties.kind}`, parts, true);
    else if (layer === "water") this.#draw(area ? "water" : "water-line", parts, area);
    else if (layer === "streets") {
      const name = STREETS.has(properties.class) ? properties.class : "minor";
      const where = properties.tunnel ? "tunnel" : properties.bridge ? "bridge" : "ground";
      this.#draw(`streets:${name}:${where}`, parts, false);
      if (properties.name && !properties.tunnel) {
        this.streets.push({ text: String(properties.name), class: name, parts });
      }
    } else if (layer === "cells") {
      // Water is one surface to the reader, however it was cut.
      if (properties.kind === "water") return;
      this.#draw("cells:line", parts, true);
      if (properties.kind !== "building") this.#draw("cells:open", parts, true);
    } else if (layer === "buildings") {
      this.#draw("buildings", parts, true);
      this.footprints.push({ id: properties.id, households: properties.households, parts });
      if (properties.label) {
        this.buildings.push({ text: String(properties.label), id: properties.id, ring: parts[0] });
      }
    }
  }

  #draw(key, parts, closed) {
    let path = this.paths.get(key);
    if (!path) this.paths.set(key, (path = new Path2D()));
    for (const part of parts) {
      path.moveTo(part[0], part[1]);
      for (let i = 2; i < part.length; i += 2) path.lineTo(part[i], part[i + 1]);
      if (closed) path.closePath();
    }
  }
}
