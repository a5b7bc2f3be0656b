// Colours and letters, read from the page's style sheet so that there is one place for them.

const AGES = 6;
const FALLBACK = {pane: "#fffdf8", line: "#d9d4c7", ink: "#1c1b18", dim: "#625e55", work: "#4d6a82", young: "#a9bccb", old: "#16324a", nobody: "#c23a22", trouble: "#ecdcae", "trouble-ink": "#6d5410"};

const rgb = colour => {
  const hex = colour.length === 4 ? colour.replace(/[0-9a-f]/gi, "$&$&") : colour;
  return [1, 3, 5].map(i => parseInt(hex.slice(i, i + 2), 16));
};

export function inks(element) {
  const css = getComputedStyle(element), ink = {};
  for (const name in FALLBACK) {
    const said = css.getPropertyValue("--" + name).trim();
    ink[name] = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.test(said) ? said : FALLBACK[name];
  }
  const young = rgb(ink.young), old = rgb(ink.old);
  ink.ages = Array.from({length: AGES}, (_, i) => "rgb(" + young.map((c, j) => Math.round(c + (old[j] - c) * i / (AGES - 1))).join(",") + ")");
  ink.sans = css.getPropertyValue("--sans").trim() || 'system-ui,"Liberation Sans",sans-serif';
  ink.mono = css.getPropertyValue("--mono").trim() || 'ui-monospace,"DejaVu Sans Mono",monospace';
  return ink;
}

// How strongly a request stands against the ground: 0 has just come, AGES - 1 is as old as they get.
export const age = (since, old) => Math.min(AGES - 1, Math.max(0, Math.floor(since / old * AGES)));
