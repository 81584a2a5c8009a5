// Before the first paint: a page in the other colours must not flash.
{
  const chosen = localStorage.getItem("turntable.theme");
  if (chosen === "light" || chosen === "dark") {
    document.documentElement.dataset.theme = chosen;
  }
}
