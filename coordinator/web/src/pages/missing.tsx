/** For addresses that mean no page. */
import { pathOf } from "../router.ts";
import { useTitle } from "../ui/title.ts";

export function MissingPage() {
  useTitle("Not found");
  return (
    <section class="empty">
      <h1>There is nothing at this address</h1>
      <p>
        It may have been cut off when it was copied.{" "}
        <a href={pathOf({ page: "overview" })}>Overview</a>
      </p>
    </section>
  );
}
