// Light and dark, copy buttons, and what a printed page shows.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const dark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);
  const label = () => {
    theme.textContent = dark() ? "Light" : "Dark";
    theme.setAttribute("aria-label", dark() ? "Light colours" : "Dark colours");
  };
  theme.hidden = false;
  theme.addEventListener("click", () => {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
  });
  prefersDark.addEventListener("change", label);
  label();

  const told = document.getElementById("told");
  const copied = async (text) => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // A page from disk has no clipboard in some browsers: by a selection instead.
      const area = document.createElement("textarea");
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
  };
  for (const button of document.querySelectorAll("button[data-copy]")) {
    button.hidden = false;
    const name = button.textContent;
    button.addEventListener("click", async () => {
      await copied(document.getElementById(button.dataset.copy).textContent);
      button.textContent = "Copied";
      told.textContent = "Copied";
      setTimeout(() => {
        button.textContent = name;
        told.textContent = "";
      }, 1500);
    });
  }

  // Paper cannot be clicked.
  const opened = [];
  addEventListener("beforeprint", () => {
    for (const each of document.querySelectorAll("details:not([open])")) {
      each.open = true;
      opened.push(each);
    }
  });
  addEventListener("afterprint", () => {
    for (const each of opened.splice(0)) each.open = false;
  });
})();
