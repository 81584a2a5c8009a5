/** What is around every page: its head with the ways to the others, and the page that the address means. */
import type { ComponentType } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { OverviewContext, useOverviewStream } from "./data/overview.ts";
import { MinerPage } from "./pages/miner.tsx";
import { MissingPage } from "./pages/missing.tsx";
import { OverviewPage } from "./pages/overview.tsx";
import { TaskPage } from "./pages/task.tsx";
import { TasksPage } from "./pages/tasks.tsx";
import { TryPage } from "./pages/try.tsx";
import { ViewerPage } from "./pages/viewer.tsx";
import { pathOf, type Route, usePlace } from "./router.ts";
import { LiveMark } from "./ui/live-mark.tsx";
import { Failed, Loading } from "./ui/states.tsx";
import { ThemeButton } from "./ui/theme-button.tsx";

const links = [
  ["overview", "Overview"],
  ["tasks", "Tasks"],
  ["try", "Try it"],
  ["viewer", "Viewer"],
  ["operator", "Operator"],
] as const;

export function App() {
  const { route } = usePlace();
  const overview = useOverviewStream();
  const main = useRef<HTMLElement>(null);
  const key = JSON.stringify(route);
  const before = useRef(key);
  useEffect(() => {
    // Whoever cannot see that the page has changed is told by the focus.
    if (before.current !== key) {
      before.current = key;
      main.current?.focus({ preventScroll: true });
    }
  }, [key]);
  return (
    <OverviewContext.Provider value={overview}>
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
              aria-current={isWithin(route, page) ? "page" : undefined}
            >
              {label}
            </a>
          ))}
        </nav>
        <LiveMark state={overview.state} />
        <ThemeButton />
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        <Page key={key} route={route} />
      </main>
    </OverviewContext.Provider>
  );
}

function isWithin({ page }: Route, link: string): boolean {
  return page === link || (page === "task" && link === "tasks");
}

function Page({ route }: { readonly route: Route }) {
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "tasks":
      return <TasksPage />;
    case "task":
      return <TaskPage id={route.id} />;
    case "miner":
      return <MinerPage hotkey={route.hotkey} />;
    case "try":
      return <TryPage />;
    case "viewer":
      return <ViewerPage />;
    case "operator":
      return <OperatorPart />;
    case "missing":
      return <MissingPage />;
  }
}

/** Few readers are operators: their page is a chunk of its own. */
function OperatorPart() {
  const [part, setPart] = useState<{ readonly Page?: ComponentType; readonly error?: unknown }>({});
  useEffect(() => {
    import("./pages/operator.tsx").then(
      ({ OperatorPage }) => setPart({ Page: OperatorPage }),
      (error: unknown) => setPart({ error }),
    );
  }, []);
  if (part.Page !== undefined) {
    return <part.Page />;
  }
  return part.error === undefined ? <Loading what="the page" /> : <Failed error={part.error} />;
}
