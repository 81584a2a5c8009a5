/** uPlot with its styles: a chunk of its own. */
import "uplot/dist/uPlot.min.css";

export { default } from "uplot";
