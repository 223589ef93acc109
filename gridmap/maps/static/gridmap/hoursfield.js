/** A field for opening hours: checked while one types, and said back in plain words. */
import { h } from "./dom.js";

const ENOUGH_MS = 220;

/**
 * `check(text, signal)` answers { zh, en } or refuses with a sentence. `input(text)` is called on every change;
 * `valid()` is false while the text cannot be read.
 */
export function hoursField({ value, key, label, words, check, sentence, language, input }) {
  const { t } = words;
  const id = `gm-${key}-said`;
  const told = h("p", { class: "gm-hours-said", id, role: "status" });
  const box = h("input", {
    type: "text",
    maxlength: 500,
    "data-key": key,
    "aria-label": label,
    "aria-describedby": id,
    placeholder: t("hours.example"),
    autocomplete: "off",
    spellcheck: "false",
    input: () => {
      input(box.value.trim());
      later();
    },
  });
  box.value = value ?? "";
  let question = null;
  let waiting = 0;
  let good = true;

  const show = (text, wrong) => {
    good = !wrong;
    box.setAttribute("aria-invalid", String(Boolean(wrong)));
    told.classList.toggle("gm-hours-wrong", Boolean(wrong));
    told.textContent = text;
  };
  async function look() {
    question?.abort();
    const text = box.value.trim();
    if (!text) {
      show(t("hours.none"), false);
      return true;
    }
    question = new AbortController();
    const { signal } = question;
    try {
      const found = await check(text, signal);
      if (!signal.aborted) show(found[language()] ?? found.normal, false);
    } catch (error) {
      if (!signal.aborted) show(sentence(error), true);
    }
    return good;
  }
  function later() {
    clearTimeout(waiting);
    waiting = setTimeout(look, ENOUGH_MS);
  }
  look();
  return { parts: [box, told], text: () => box.value.trim(), look, valid: () => good };
}
