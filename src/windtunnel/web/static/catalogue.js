// Search as one types: over questions, names, designs and what is said of real systems.
const field = document.getElementById("search");
const told = document.getElementById("found");
const entries = [...document.querySelectorAll("[data-text]")].map((element) => ({ element, text: element.dataset.text.toLowerCase() }));

function search() {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  let cards = 0;
  for (const { element, text } of entries) {
    const fits = words.every((word) => text.includes(word));
    element.hidden = !fits;
    if (fits && element.classList.contains("card")) cards += 1;
  }
  for (const section of document.querySelectorAll(".track")) section.hidden = !section.querySelector("[data-text]:not([hidden])");
  told.textContent = words.length ? `${cards} ${cards === 1 ? "experiment" : "experiments"}` : "";
}

field.addEventListener("input", search);
document.addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.focus();
  } else if (event.key === "Escape" && document.activeElement === field) {
    field.value = "";
    search();
  } else if (event.key === "Enter" && document.activeElement === field) {
    const first = document.querySelector(".card:not([hidden]) a");
    if (first) location.assign(first.href);
  }
});
search();
