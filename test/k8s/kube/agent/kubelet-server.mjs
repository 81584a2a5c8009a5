/** What `kubectl logs` and `kubectl exec` ask a kubelet for. */
import { createHash } from "node:crypto";
import { createReadStream, existsSync, statSync } from "node:fs";
import https from "node:https";
import { execIn, killGroup } from "./container.mjs";
import { tail } from "./supervisor.mjs";
import { sleep } from "./util.mjs";

/** Only who has a certificate of the cluster's authority is served. */
export function serveKubelet({ socketPath, ca, cert, key, findPod }) {
  const server = https.createServer(
    { ca, cert, key, requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { url, container } = locate(request, findPod);
      if (url.pathname === "/healthz") {
        response.end("ok");
      } else if (container && url.pathname.startsWith("/containerLogs/")) {
        sendLog(container, url.searchParams, response).catch((error) =>
          response.end(`${error.message}\n`),
        );
      } else {
        response.writeHead(404).end("not found, or not supported by this node\n");
      }
    },
  );
  server.on("upgrade", (request, socket) => {
    const { url, container } = locate(request, findPod);
    const protocol = (request.headers["sec-websocket-protocol"] ?? "")
      .split(/, */)
      .find((name) => name === "v5.channel.k8s.io");
    if (!url.pathname.startsWith("/exec/") || !container?.state.running || !protocol) {
      socket.end(
        "HTTP/1.1 501 Not Implemented\r\nconnection: close\r\n\r\nonly exec by WebSocket, in a running container\n",
      );
      return;
    }
    const accept = createHash("sha1")
      .update(`${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
      .digest("base64");
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\nsec-websocket-protocol: ${protocol}\r\n\r\n`,
    );
    execOver(socket, container, url.searchParams);
  });
  server.listen(socketPath);
}

/** /containerLogs/NAMESPACE/POD/CONTAINER and the like. */
function locate(request, findPod) {
  const url = new URL(request.url, "https://node");
  const [, , namespace, pod, ...rest] = url.pathname.split("/");
  return { url, container: findPod(namespace, pod)?.container(rest.at(-1)) };
}

async function sendLog(container, options, response) {
  const isPrevious = options.get("previous") === "true";
  const file = isPrevious ? container.previousLog : container.logFile;
  if (!file || !existsSync(file)) {
    response
      .writeHead(isPrevious ? 400 : 200)
      .end(isPrevious ? "there is no log of a run before this one\n" : "");
    return;
  }
  let from = 0;
  const lines = options.get("tailLines");
  if (lines !== null) {
    const end = tail(file, 4 << 20);
    const wanted =
      Number(lines) === 0
        ? ""
        : end
            .split("\n")
            .slice(end.endsWith("\n") ? -Number(lines) - 1 : -Number(lines))
            .join("\n");
    from = statSync(file).size - Buffer.byteLength(wanted);
  }
  const isFollowed = options.get("follow") === "true" && !isPrevious;
  const { restartCount } = container;
  for (let isLast = false; !response.destroyed; await sleep(200)) {
    for await (const chunk of createReadStream(file, { start: from })) {
      from += chunk.length;
      response.write(chunk);
    }
    if (!isFollowed || isLast) {
      break;
    }
    isLast = !container.state.running || container.restartCount !== restartCount;
  }
  response.end();
}

// --- exec over a WebSocket: the first byte of each message says which stream it belongs to

const streams = { stdin: 0, stdout: 1, stderr: 2, error: 3, close: 255 };

function execOver(socket, container, options) {
  const child = execIn(container.container, options.getAll("command"), {
    tty: options.get("tty") === "1",
    stdio: ["pipe", "pipe", "pipe"],
  });
  const send = (stream, data) =>
    socket.writable &&
    socket.write(frame(2, Buffer.concat([Buffer.from([stream]), Buffer.from(data)])));
  child.stdout.on("data", (data) => send(streams.stdout, data));
  child.stderr.on("data", (data) => send(streams.stderr, data));
  child.stdin.on("error", () => {}); // it does not read
  if (options.get("input") !== "1") {
    child.stdin.end();
  }
  child.on("close", (code) => {
    const failure = {
      status: "Failure",
      reason: "NonZeroExitCode",
      message: `command terminated with non-zero exit code: ${code}`,
      details: { causes: [{ reason: "ExitCode", message: String(code ?? 137) }] },
    };
    send(
      streams.error,
      JSON.stringify({ metadata: {}, ...(code === 0 ? { status: "Success" } : failure) }),
    );
    socket.end(frame(8, Buffer.from([3, 232])));
  });
  socket.on("error", () => {});
  socket.on("close", () => killGroup(child));
  readFrames(socket, (opcode, message) => {
    if (opcode === 8) {
      socket.end();
    } else if (opcode === 9) {
      socket.write(frame(10, message));
    } else if (message[0] === streams.stdin) {
      child.stdin.write(message.subarray(1));
    } else if (message[0] === streams.close) {
      child.stdin.end();
    }
  });
}

function frame(opcode, payload) {
  const header = Buffer.alloc(payload.length < 126 ? 2 : payload.length < 65536 ? 4 : 10);
  header[0] = 0x80 | opcode;
  header[1] = Math.min(payload.length, header.length === 2 ? 125 : header.length === 4 ? 126 : 127);
  if (header.length === 4) {
    header.writeUInt16BE(payload.length, 2);
  } else if (header.length === 10) {
    header[1] = 127;
    header.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([header, payload]);
}

/** Calls onMessage(opcode, payload) for each frame of the client; kubectl does not split messages. */
function readFrames(socket, onMessage) {
  let rest = Buffer.alloc(0);
  socket.on("data", (data) => {
    rest = Buffer.concat([rest, data]);
    while (rest.length >= 2) {
      const short = rest[1] & 127;
      const lengthEnd = short === 126 ? 4 : short === 127 ? 10 : 2;
      if (rest.length < lengthEnd) {
        return;
      }
      const length =
        short === 126
          ? rest.readUInt16BE(2)
          : short === 127
            ? Number(rest.readBigUInt64BE(2))
            : short;
      const isMasked = (rest[1] & 128) !== 0;
      const start = lengthEnd + (isMasked ? 4 : 0);
      if (rest.length < start + length) {
        return;
      }
      const payload = Buffer.from(rest.subarray(start, start + length));
      if (isMasked) {
        for (const [index, byte] of payload.entries()) {
          payload[index] = byte ^ rest[lengthEnd + (index & 3)];
        }
      }
      onMessage(rest[0] & 15, payload);
      rest = rest.subarray(start + length);
    }
  });
}
