// An interview: a question, an answer, what is said to it; the board grows beside it.
import { call } from "./server.js";

const byId = (id) => document.getElementById(id);
const name = document.querySelector(".interview").dataset.name;
const form = byId("answer");
const field = byId("text");
let key = null;
let step = null;
let at = 0;
let phase = null;

function put(parent, tag, text, kind = "") {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  parent.append(made);
  return made;
}

function ask(found) {
  step = found.step;
  at = found.at;
  form.hidden = step === null;
  byId("wrong").textContent = "";
  byId("choices").replaceChildren();
  if (step === null) {
    const end = put(byId("talk"), "li", "");
    for (const line of found.closing) put(end, "p", line);
    byId("state").replaceChildren();
    const link = put(byId("state"), "a", "See the whole experiment.");
    link.href = `/e/${name}`;
    return;
  }
  byId("phase").textContent = step.phase;
  byId("question").textContent = step.question;
  byId("unit").textContent = step.unit;
  field.hidden = step.kind === "choice";
  field.inputMode = step.kind === "number" ? "decimal" : "text";
  field.value = "";
  for (const [index, choice] of step.choices.entries()) {
    const button = put(byId("choices"), "button", choice);
    button.type = "button";
    button.addEventListener("click", () => answer(String(index + 1)));
  }
  (step.kind === "choice" ? byId("choices").firstChild : field).focus({ preventScroll: true });
  form.scrollIntoView({ block: "nearest" });
}

function note(told, text) {
  const one = put(byId("talk"), "li", "");
  put(one, "p", told.step.question, "asked");
  if (text && told.step.kind !== "choice") put(one, "p", text, "mine");
  told.sentences.forEach((sentence, index) => put(one, "p", sentence, index === 0 && told.ours !== null ? "ours" : ""));
  if (told.step.phase !== phase) put(byId("board"), "h3", told.step.phase);
  phase = told.step.phase;
  const line = put(byId("board"), told.step.phase === "boxes" ? "pre" : "p", told.noted);
  if (told.far) put(line, "span", ` You: ${told.far}.`, "far");
}

async function answer(text) {
  byId("wrong").textContent = "";
  byId("state").textContent = step.phase === "clarify" || step.phase === "estimate" ? "" : "It is being measured.";
  for (const one of form.elements) one.disabled = true;
  let found = null;
  try {
    found = await call("POST", `/api/interviews/${key}`, { text, at });
  } catch (error) {
    byId("wrong").textContent = error.message;
  }
  for (const one of form.elements) one.disabled = false;
  byId("state").textContent = "";
  if (found === null) {
    field.focus();
    return;
  }
  note(found.told, text.trim());
  ask(found);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  if (step.kind !== "choice") answer(field.value);
});
byId("show").addEventListener("click", () => answer(""));

try {
  const begun = await call("POST", `/api/experiments/${name}/interview`, {});
  key = begun.key;
  byId("state").textContent = "";
  ask(begun);
} catch (error) {
  byId("state").textContent = error.message;
}
