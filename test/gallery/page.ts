export interface Section {
  readonly title: string;
  /** File of the contact sheet. */
  readonly sheet: string;
  readonly rows: readonly {
    readonly title: string;
    readonly pictures: readonly { readonly caption: string; readonly file: string }[];
  }[];
}

/** A page without scripts from elsewhere; the box filters by the words of the captions. */
export function pageOf(sections: readonly Section[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Gallery</title>
<style>
  body { font: 15px system-ui, sans-serif; margin: 2rem auto; max-width: 1500px; padding: 0 1rem; color: #222 }
  input { font: inherit; padding: .4rem .7rem; width: 20rem }
  .row { display: flex; flex-wrap: wrap; gap: .5rem }
  figure { margin: 0; width: 150px }
  figure img { width: 100%; display: block }
  figcaption { font-size: 12px; text-align: center; color: #666 }
</style>
<h1>What the engine makes</h1>
<p><input id="words" placeholder="filter: red mug" aria-label="filter"></p>
${sections.map(sectionOf).join("\n")}
<script>
  document.getElementById("words").addEventListener("input", (event) => {
    const words = event.target.value.toLowerCase().split(" ").filter(Boolean);
    for (const figure of document.querySelectorAll("figure")) {
      figure.hidden = !words.every((word) => figure.textContent.includes(word));
    }
  });
</script>
</html>
`;
}

function sectionOf({ title, sheet, rows }: Section): string {
  const figures = rows.map(
    (row) =>
      `<h3>${row.title}</h3>\n<div class="row">${row.pictures
        .map(
          ({ caption, file }) =>
            `<figure><img loading="lazy" src="${encodeURI(file)}" alt="${caption}"><figcaption>${caption}</figcaption></figure>`,
        )
        .join("")}</div>`,
  );
  return `<h2>${title} <small><a href="${encodeURI(sheet)}">contact sheet</a></small></h2>\n${figures.join("\n")}`;
}
