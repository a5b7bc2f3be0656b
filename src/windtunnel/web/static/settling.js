// What is near below the screen is laid out after the first paint, a section a frame: all of it at once would be felt.
// What is further away costs nothing before somebody comes there.
const NEAR = 5;

export function settle() {
  const near = [...document.querySelectorAll(".after > section, #result > section")].slice(0, NEAR);
  const next = () => {
    near.shift()?.classList.add("there");
    if (near.length) frame();
    else document.documentElement.classList.add("settled");
  };
  const frame = () => requestAnimationFrame(() => setTimeout(next));
  frame();
}
