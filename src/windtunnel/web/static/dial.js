// One parameter at a time: what it is, between which ends, and the control that its definition asks for.
import { short } from "./guess.js";

export function valueAt(slider, share) {
  const value = slider.log ? slider.low * (slider.high / slider.low) ** share : slider.low + share * (slider.high - slider.low);
  return slider.whole ? Math.round(value) : Math.min(slider.high, Math.max(slider.low, short(value, 3)));
}

export function shareOf(slider, value) {
  const share = slider.log ? Math.log(Math.max(value, slider.low) / slider.low) / Math.log(slider.high / slider.low) : (value - slider.low) / (slider.high - slider.low);
  return Math.min(1, Math.max(0, share));
}

export function dial(page, state, heard) {
  const names = document.getElementById("dial-name");
  const place = document.getElementById("dial-control");
  const value = document.getElementById("dial-value");
  const current = () => page.sliders.find((one) => one.name === names.value);
  const now = (slider) => (slider.name in state.params ? state.params[slider.name] : slider.quick);

  function set(slider, next, released) {
    if (next === slider.quick) delete state.params[slider.name];
    else state.params[slider.name] = next;
    value.textContent = String(next);
    heard.moved();
    if (released) heard.released();
  }

  function control(slider) {
    let made;
    if (slider.kind === "range") {
      made = document.createElement("input");
      made.type = "range";
      made.min = 0;
      made.max = slider.steps;
      made.value = slider.steps * shareOf(slider, Number(now(slider)));
      made.addEventListener("input", () => set(slider, valueAt(slider, made.value / slider.steps), false));
      made.addEventListener("change", () => heard.released());
    } else if (slider.kind === "choice") {
      made = document.createElement("select");
      for (const one of slider.choices) made.add(new Option(String(one), String(one)));
      made.value = String(now(slider));
      made.addEventListener("change", () => set(slider, slider.choices[made.selectedIndex], true));
    } else {
      made = document.createElement("input");
      made.type = "text";
      made.value = String(now(slider));
      made.addEventListener("change", () => set(slider, made.value, true));
    }
    made.setAttribute("aria-label", `${slider.name}: ${slider.help}`);
    return made;
  }

  function show() {
    const slider = current();
    place.replaceChildren(control(slider));
    value.textContent = String(now(slider));
    const ends = slider.kind === "range" ? ` (${slider.low} to ${slider.high})` : "";
    document.getElementById("dial-help").textContent = `${slider.help}${ends}`;
  }

  names.value = page.first;
  names.addEventListener("change", show);
  document.getElementById("dial-reset").addEventListener("click", () => {
    state.params = {};
    show();
    heard.moved();
    heard.released();
  });
  show();
}
