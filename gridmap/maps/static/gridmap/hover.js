/** A small label at the pointer: which grid is this? */
import { h } from "./dom.js";
import { worldX, worldY } from "./geo.js";

export function createHover(map, stage, { grids, shown, text }) {
  const tip = h("div", { class: "gm-tip", hidden: true, "aria-hidden": "true" });
  stage.append(tip);
  let waiting = 0;
  let latest = null;
  const update = () => {
    waiting = 0;
    const feature = latest && shown("grids") ? grids.at(worldX(latest.latlng.lng), worldY(latest.latlng.lat)) : null;
    tip.hidden = !feature;
    if (!feature) return;
    const [name, count] = text(feature.properties);
    tip.replaceChildren(name, ...(count ? [h("small", null, count)] : []));
    const { x, y } = latest.containerPoint;
    const left = x + tip.offsetWidth + 24 > stage.clientWidth ? x - tip.offsetWidth - 12 : x + 14;
    tip.style.setProperty("transform", `translate(${left}px, ${y + 14}px)`);
  };
  const later = (event) => {
    latest = event;
    waiting ||= requestAnimationFrame(update);
  };
  map.on("mousemove", later);
  map.on("mouseout movestart zoomstart", () => later(null));
}
