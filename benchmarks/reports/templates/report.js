"use strict";
(() => {
  const form = document.getElementById("filter");
  const [search] = form.querySelectorAll("[type=search]");
  const boxes = [...form.querySelectorAll("[type=checkbox]")];
  const problems = [...document.querySelectorAll(".problem")];
  const texts = new Map();

  function textOf(problem) {
    if (!texts.has(problem)) texts.set(problem, problem.textContent.toLowerCase());
    return texts.get(problem);
  }

  function apply() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const tags = boxes.filter((box) => box.checked).map((box) => box.value);
    let shown = 0;
    for (const problem of problems) {
      const has = problem.dataset.tags.split(" ");
      const fits = tags.every((tag) => has.includes(tag)) && words.every((word) => textOf(problem).includes(word));
      problem.hidden = !fits;
      shown += fits;
    }
    form.querySelector("output").textContent = `${shown} of ${problems.length}`;
  }

  function openTarget() {
    const target = problems.find((problem) => `#${problem.id}` === location.hash);
    if (target) target.open = true;
  }

  form.addEventListener("input", apply);
  form.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("hashchange", openTarget);
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target === search) return;
    event.preventDefault();
    search.focus();
  });
  form.hidden = false;
  apply();
  openTarget();
})();
