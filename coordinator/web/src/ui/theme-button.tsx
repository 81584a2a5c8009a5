/** Light, dark, or as the system says. */
import { useState } from "preact/hooks";
import { chooseTheme, readTheme, type Theme } from "../theme.ts";

const next: Readonly<Record<Theme, Theme>> = { system: "light", light: "dark", dark: "system" };
const words: Readonly<Record<Theme, string>> = {
  system: "Colours: as the system",
  light: "Colours: light",
  dark: "Colours: dark",
};

export function ThemeButton() {
  const [theme, setTheme] = useState(readTheme);
  const change = (): void => {
    chooseTheme(next[theme]);
    setTheme(next[theme]);
  };
  return (
    <button
      type="button"
      class="icon-button"
      onClick={change}
      title={words[theme]}
      aria-label={words[theme]}
    >
      <svg viewBox="0 0 20 20" width="18" height="18" aria-hidden="true">
        <circle cx="10" cy="10" r="7" fill="none" stroke="currentColor" stroke-width="1.6" />
        {theme === "light" ? undefined : (
          <path
            d={theme === "dark" ? "M10 3a7 7 0 1 1 0 14a7 7 0 1 1 0-14z" : "M10 3a7 7 0 0 1 0 14z"}
            fill="currentColor"
          />
        )}
      </svg>
    </button>
  );
}
