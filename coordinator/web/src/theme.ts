/** Light or dark: as the system says, until a reader chooses. `public/theme.js` applies the choice before the first paint. */
export type Theme = "system" | "light" | "dark";

const name = "turntable.theme";

export function readTheme(): Theme {
  const chosen = localStorage.getItem(name);
  return chosen === "light" || chosen === "dark" ? chosen : "system";
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") {
    localStorage.removeItem(name);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(name, theme);
    document.documentElement.dataset.theme = theme;
  }
}
