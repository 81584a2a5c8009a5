/** The viewer is a chunk of its own, which is loaded when something is looked at. */
export const loadViewer = () => import("../viewer/index.ts");
