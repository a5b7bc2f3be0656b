// What is near below the screen is laid out after the first paint, a section a frame: all of it at once would be felt.
// What is further away costs nothing before somebody comes there.
const NEAR = 3;

export async function settle() {
  const near = [...document.querySelectorAll(".after > section, #result > section ~ section")].slice(0, NEAR);
  const frame = () => new Promise((go) => requestAnimationFrame(() => setTimeout(go)));
  for (const one of near) {
    await frame();
    one.classList.add("there");
  }
  await frame();
  document.documentElement.classList.add("settled");
}
