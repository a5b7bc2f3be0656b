// A number before the result: whatever tells it stays hidden until one is committed, or nobody wants to guess.
import { answered, asUnit, fromShare, toShare } from "./guess.js";

const byId = (id) => document.getElementById(id);

// `page` has the questions, the answers and what was guessed before; `heard.opened` is called when the result may be
// seen, `heard.committed` with the number, or null where it was skipped.
export function asking(page, heard) {
  const form = byId("ask");
  const ask = page.asks[0];
  let said = null;

  function open() {
    document.documentElement.classList.add("open");
    heard.opened();
  }

  function tell() {
    const answer = page.answers[0];
    const told = byId("ask-told");
    told.replaceChildren();
    for (const part of form.querySelectorAll(".row")) part.hidden = true;
    if (answer === undefined || answer === null) {
      told.append(said === null ? "" : `You said ${asUnit(said, ask.unit)}. It is being measured.`);
      return;
    }
    const bold = document.createElement("b");
    bold.textContent = `Measured: ${asUnit(answer, ask.unit)}.`;
    const then = page.guessed?.again && page.guessed.said !== null ? ` On ${page.guessed.day} you said ${asUnit(page.guessed.said, ask.unit)}.` : "";
    told.append(bold, (said === null ? "" : ` You said ${asUnit(said, ask.unit)}: ${answered(said, answer, ask)}.`) + then);
  }

  if (!form) {
    open();
    return { tell: () => {} };
  }
  const range = byId("ask-range");
  const field = byId("ask-number");
  range.addEventListener("input", () => {
    range.classList.remove("untouched");
    field.value = fromShare(range.value / 1000, ask);
  });
  field.addEventListener("input", () => {
    if (field.value === "") return;
    range.classList.remove("untouched");
    range.value = 1000 * toShare(field.valueAsNumber, ask);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!Number.isFinite(field.valueAsNumber)) {
      field.focus();
      byId("ask-told").textContent = "A number first: drag the line, or type one.";
      return;
    }
    said = field.valueAsNumber;
    open();
    tell();
    heard.committed(said, Boolean(page.guessed?.again));
  });
  byId("ask-skip").addEventListener("click", () => {
    open();
    tell();
    heard.committed(null);
  });
  if (page.guessed?.again) {
    byId("ask-told").textContent = `You were asked on ${page.guessed.day}, and have seen it measured. What was it?`;
  } else if (page.guessed) {
    said = page.guessed.said;
    open();
    tell();
  }
  return { tell };
}
