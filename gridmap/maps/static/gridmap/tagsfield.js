/** A list of words, such as services or rooms: typed one by one, chosen from what others have, taken away by a button. */
import { h, icon } from "./dom.js";

/** `list` is changed in place; `changed()` is called afterwards. */
export function tagsField({ list, key, label, suggestions, words, changed }) {
  const { t } = words;
  const id = `gm-${key}-choices`;
  const tags = h("ul", { class: "gm-tags gm-tags-edit" });
  const choices = h("datalist", { id });
  const box = h("input", {
    type: "text",
    maxlength: 120,
    "data-key": key,
    list: id,
    "aria-label": t("tags.add", { what: label }),
    placeholder: t("tags.hint"),
    change: () => take(),
    keydown: (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      take();
    },
  });

  function take() {
    const added = box.value.split(/[,，、;；]/u).map((word) => word.trim()).filter((word) => word && !list.includes(word));
    box.value = "";
    if (!added.length) return;
    list.push(...added);
    draw();
    changed();
  }

  function draw() {
    tags.replaceChildren(
      ...list.map((word, i) =>
        h(
          "li",
          null,
          word,
          h(
            "button",
            {
              type: "button",
              class: "gm-icon-button",
              "aria-label": t("tags.remove", { what: word }),
              click: () => {
                list.splice(i, 1);
                draw();
                changed();
                (tags.querySelectorAll("button")[Math.min(i, list.length - 1)] ?? box).focus();
              },
            },
            icon("close"),
          ),
        ),
      ),
    );
    choices.replaceChildren(...suggestions.filter((word) => !list.includes(word)).map((word) => h("option", { value: word })));
  }
  draw();
  /** Words that are typed and not yet taken belong to the list, too. */
  return { parts: [tags, box, choices], take };
}
