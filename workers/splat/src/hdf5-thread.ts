/** A thread that reads or writes one HDF5 file and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { answerHere } from "./hdf5-answer.ts";

parentPort?.postMessage(await answerHere(workerData));
