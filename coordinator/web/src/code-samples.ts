/** The same request in code, for copying. What a reader typed is quoted as each language quotes texts. */

export interface Sample {
  readonly name: string;
  readonly code: string;
}

interface Request {
  readonly prompt: string;
  /** Where the API is, without a slash at the end. */
  readonly baseUrl: string;
  /** Whether a key has to be sent; the samples read it from the environment. */
  readonly needsKey: boolean;
}

export function samplesOf(request: Request): readonly Sample[] {
  return [
    { name: "SDK", code: sdkSample(request) },
    { name: "curl", code: curlSample(request) },
    { name: "Python", code: pythonSample(request) },
  ];
}

function sdkSample({ prompt, baseUrl, needsKey }: Request): string {
  const key = needsKey ? ", apiKey: process.env.TURNTABLE_API_KEY" : "";
  return `import { writeFile } from "node:fs/promises";
import { createTurntableClient } from "@turntable/client/web";

const client = createTurntableClient({ baseUrl: ${JSON.stringify(baseUrl)}${key} });
const { asset, bytes } = await client.generate(${JSON.stringify(prompt)}, {
  onProgress: ({ kind }) => console.log(kind),
});
await writeFile(\`asset.\${asset.encoding?.format}\`, bytes);
client[Symbol.dispose]();
`;
}

function curlSample({ prompt, baseUrl, needsKey }: Request): string {
  const header = needsKey ? ` \\\n  -H "authorization: Bearer $TURNTABLE_API_KEY"` : "";
  const call = (method: string, body: string): string =>
    `curl -s -H 'content-type: application/json'${header} \\\n  -d ${body} \\\n  ${shellQuoted(`${baseUrl}/turntable.v1.GenerationService/${method}`)}`;
  return `${call("CreateTask", shellQuoted(JSON.stringify({ prompt })))}

# with the id that it answered, until the state is TASK_STATE_SUCCEEDED
${call("GetTask", `'{"taskId":"ID"}'`)}
`;
}

function pythonSample({ prompt, baseUrl, needsKey }: Request): string {
  const key = needsKey
    ? `\n    headers["authorization"] = "Bearer " + os.environ["TURNTABLE_API_KEY"]`
    : "";
  return `import base64, json, ${needsKey ? "os, " : ""}struct, time
from urllib.request import Request, urlopen

def post(method, body, kind):
    headers = {"content-type": kind}${key}
    url = ${pythonQuoted(`${baseUrl}/turntable.v1.GenerationService/`)} + method
    return urlopen(Request(url, body, headers))

def call(method, **fields):
    return json.load(post(method, json.dumps(fields).encode(), "application/json"))

def stream(method, **fields):
    body = json.dumps(fields).encode()
    with post(method, struct.pack(">BI", 0, len(body)) + body, "application/connect+json") as answer:
        while head := answer.read(5):
            yield json.loads(answer.read(struct.unpack(">BI", head)[1]))

task = call("CreateTask", prompt=${pythonQuoted(prompt)})["task"]
while task["state"] in ("TASK_STATE_QUEUED", "TASK_STATE_ASSIGNED", "TASK_STATE_SCORING"):
    time.sleep(1)
    task = call("GetTask", taskId=task["id"])["task"]
print(task["state"])

with open("asset." + task["asset"]["encoding"]["format"], "wb") as file:
    for part in stream("DownloadAsset", taskId=task["id"]):
        file.write(base64.b64decode(part.get("chunk", "")))
`;
}

/** For POSIX shells: within single quotes only a single quote means something. */
function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** JSON's strings are Python's, but for surrogates: those stand as what they make together. */
function pythonQuoted(text: string): string {
  return JSON.stringify(text.toWellFormed());
}
