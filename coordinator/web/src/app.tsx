/** What is around every page: its head with the ways to the others, and the page that the address means. */
import { useEffect, useRef } from "preact/hooks";
import { MissingPage } from "./pages/missing.tsx";
import { TryPage } from "./pages/try.tsx";
import { pathOf, type Route, usePlace } from "./router.ts";
import { ThemeButton } from "./ui/theme-button.tsx";

const links = [["try", "Try it"]] as const;

export function App() {
  const { route } = usePlace();
  const main = useRef<HTMLElement>(null);
  const key = JSON.stringify(route);
  const before = useRef(key);
  useEffect(() => {
    // Whoever cannot see that the page has changed is told by the focus.
    if (before.current !== key) {
      before.current = key;
      main.current?.focus();
    }
  }, [key]);
  return (
    <>
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to content
      </button>
      <header class="head">
        <a class="brand" href={pathOf({ page: "overview" })}>
          <img src="./icon.svg" alt="" width="22" height="22" />
          Turntable
        </a>
        <nav aria-label="Pages">
          {links.map(([page, label]) => (
            <a
              key={page}
              href={pathOf({ page })}
              aria-current={route.page === page ? "page" : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
        <ThemeButton />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Page route={route} />
      </main>
    </>
  );
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "try":
      return <TryPage />;
    default:
      return <MissingPage />;
  }
}
