/** Probes and lifecycle handlers: HTTP, TCP, gRPC, exec. */
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { execToEnd } from "./container.mjs";
import { sleep } from "./util.mjs";

/** Does what a probe or handler says, once. Resolves to undefined, or to what is wrong. */
export async function check(action, target, timeoutMs) {
  const { container, address, portOf } = target;
  const host = action.httpGet?.host || action.tcpSocket?.host || address;
  if (action.exec) {
    const { code, output } = await execToEnd(container, action.exec.command, timeoutMs);
    return code === 0 ? undefined : `command ended with ${code}: ${output.trim()}`;
  }
  if (action.sleep) {
    await sleep(action.sleep.seconds * 1000);
    return undefined;
  }
  const attempt = action.httpGet
    ? httpGet(action.httpGet, host, portOf, timeoutMs)
    : action.grpc
      ? grpcHealth(action.grpc, host, timeoutMs)
      : tcpConnect(host, portOf(action.tcpSocket.port), timeoutMs);
  return attempt.then(
    () => undefined,
    (error) => error.message,
  );
}

function httpGet({ path = "/", port, scheme = "HTTP", httpHeaders = [] }, host, portOf, timeout) {
  const headers = {
    "user-agent": "kube-probe/1.36",
    accept: "*/*",
    connection: "close",
    ...Object.fromEntries(httpHeaders.map(({ name, value }) => [name, value])),
  };
  return new Promise((resolve, reject) => {
    const client = scheme === "HTTPS" ? https : http;
    const request = client.get(
      {
        host,
        port: portOf(port),
        path,
        headers,
        agent: false,
        rejectUnauthorized: false,
        signal: AbortSignal.timeout(timeout),
      },
      (response) => {
        let body = "";
        response.on("data", (data) => (body = (body + data).slice(0, 200)));
        response.on("end", () =>
          response.statusCode < 400
            ? resolve()
            : reject(
                new Error(
                  `HTTP probe failed with statuscode: ${response.statusCode} ${body.trim()}`,
                ),
              ),
        );
        response.on("error", reject);
      },
    );
    request.on("error", reject);
  });
}

function tcpConnect(host, port, timeout) {
  return new Promise((resolve, reject) => {
    const socket = net.connect({ host, port, timeout });
    socket
      .on("connect", resolve)
      .on("error", reject)
      .on("timeout", () => reject(new Error("timeout")));
    socket.on("connect", () => socket.destroy()).on("timeout", () => socket.destroy());
  });
}

/** grpc.health.v1.Health/Check; both messages are short enough to be written by hand. */
function grpcHealth({ port, service = "" }, host, timeout) {
  const name = Buffer.from(service);
  const message = Buffer.concat([
    Buffer.from([0, 0, 0, 0, name.length ? name.length + 2 : 0]),
    name.length ? Buffer.from([10, name.length]) : Buffer.alloc(0),
    name,
  ]);
  return new Promise((resolve, reject) => {
    const session = http2.connect(`http://${host}:${port}`);
    const fail = (text) => {
      reject(new Error(text));
      session.destroy();
    };
    const timer = setTimeout(() => fail("timeout"), timeout);
    session.on("error", (error) => fail(error.message));
    session.on("close", () => clearTimeout(timer));
    const stream = session.request({
      ":method": "POST",
      ":path": "/grpc.health.v1.Health/Check",
      "content-type": "application/grpc",
      te: "trailers",
    });
    let answer = Buffer.alloc(0);
    let status;
    stream.on("response", (headers) => (status = headers["grpc-status"]));
    stream.on("trailers", (headers) => (status = headers["grpc-status"]));
    stream.on("data", (data) => (answer = Buffer.concat([answer, data])));
    stream.on("error", (error) => fail(error.message));
    stream.on("end", () => {
      // After five bytes of framing: field 1 as a number; 1 is SERVING.
      answer.length >= 7 && answer[5] === 8 && answer[6] === 1
        ? resolve()
        : fail(`not serving: grpc-status ${status}, health ${answer[6] ?? 0}`);
      session.close();
    });
    stream.end(message);
  });
}

/** Probes again and again until the signal aborts; calls onChange(isSuccess, message) when the thresholds are passed. */
export async function probeLoop(probe, target, signal, onChange, onFailure) {
  const {
    initialDelaySeconds = 0,
    periodSeconds = 10,
    timeoutSeconds = 1,
    successThreshold = 1,
    failureThreshold = 3,
  } = probe;
  let successes = 0;
  let failures = 0;
  await sleep(initialDelaySeconds * 1000, signal);
  while (!signal.aborted) {
    const started = Date.now();
    const problem = await check(probe, target, timeoutSeconds * 1000);
    if (signal.aborted) {
      return;
    }
    successes = problem === undefined ? successes + 1 : 0;
    failures = problem === undefined ? 0 : failures + 1;
    if (problem !== undefined) {
      onFailure(problem);
    }
    if (successes === successThreshold || failures === failureThreshold) {
      onChange(problem === undefined, problem);
    }
    await sleep(Math.max(0, periodSeconds * 1000 - (Date.now() - started)), signal);
  }
}
