// A design of one's own: run and graded anew whenever its file is saved.
import { call } from "./server.js";

const LOOKED_MS = 1000;

export function watched(own, api, preview) {
  const said = document.getElementById("graded-said"), list = document.getElementById("graded-demands"), text = document.getElementById("graded-text");
  let busy = false, again = false;

  async function grade() {
    again = true;
    if (busy) return;
    busy = true;
    while (again) {
      again = false;
      said.className = "dim";
      said.textContent = `${own.file} is being graded, on a seed that it has not seen.`;
      try {
        show(await call("POST", `${api}/grade`, {}));
      } catch (error) {
        said.textContent = error.message;
      }
    }
    busy = false;
  }

  function show(found) {
    said.className = "told";
    said.textContent = `${found.passed ? "✓" : "✗"} ${own.file}: ${found.said}`;
    list.replaceChildren(...found.demands.map((one) => {
      const item = document.createElement("li"), sign = document.createElement("span"), code = document.createElement("code");
      const holds = one.verdict === "holds";
      item.className = holds ? "holds" : "fails";
      sign.className = "sign";
      sign.textContent = holds ? "✓" : "✗";
      sign.setAttribute("aria-label", holds ? "holds" : "fails");
      sign.setAttribute("role", "img");
      code.textContent = one.expression;
      item.append(sign, one.because, code);
      if (one.shown) {
        const shown = item.appendChild(document.createElement("code"));
        shown.className = "shown";
        shown.textContent = one.shown;
      }
      return item;
    }));
    text.textContent = found.text;
    text.hidden = !found.text;
  }

  grade();
  setInterval(async () => {
    if (document.hidden) return;
    const found = await call("GET", "/api/own").catch(() => own);
    if (found.saved === own.saved || found.saved === "0") return;
    own.saved = found.saved;
    preview();
    grade();
  }, LOOKED_MS);
}
