/**
 * Writes proto/gen/openapi.json: what clients may call, as they call it over HTTP with the Connect protocol in JSON.
 * With --check it fails where the file is not what the .proto files say.
 */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import {
  createFileRegistry,
  type DescEnum,
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  ScalarType,
} from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { getComments } from "@bufbuild/protoplugin";

const file = new URL("../proto/gen/openapi.json", import.meta.url);
const services = [
  "turntable.v1.GenerationService",
  "turntable.v1.ScoringService",
  "turntable.v1.SubnetService",
  "turntable.v1.AdminService",
];

type Json = { readonly [key: string]: unknown };

const schemas = new Map<string, Json>();

/** Types whose JSON is not that of their fields. */
const wellKnown: Readonly<Record<string, Json>> = {
  "google.protobuf.Timestamp": { type: "string", format: "date-time" },
};

function scalar(type: ScalarType): Json {
  switch (type) {
    case ScalarType.BOOL:
      return { type: "boolean" };
    case ScalarType.STRING:
      return { type: "string" };
    case ScalarType.BYTES:
      return { type: "string", contentEncoding: "base64" };
    case ScalarType.DOUBLE:
    case ScalarType.FLOAT:
      return { type: "number" };
    case ScalarType.INT64:
    case ScalarType.UINT64:
    case ScalarType.SINT64:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return { type: "string", pattern: "^-?[0-9]+$" };
    default:
      return { type: "integer" };
  }
}

function reference(to: DescMessage | DescEnum): Json {
  const known = wellKnown[to.typeName];
  if (known !== undefined) {
    return known;
  }
  if (!schemas.has(to.typeName)) {
    schemas.set(to.typeName, {}); // a type may lead back to itself
    schemas.set(to.typeName, to.kind === "enum" ? enumSchema(to) : messageSchema(to));
  }
  return { $ref: `#/components/schemas/${to.typeName}` };
}

function fieldSchema(field: DescField): Json {
  switch (field.fieldKind) {
    case "scalar":
      return scalar(field.scalar);
    case "enum":
      return reference(field.enum);
    case "message":
      return reference(field.message);
    case "list": {
      const one =
        field.listKind === "scalar" ? scalar(field.scalar) : reference(field.enum ?? field.message);
      return { type: "array", items: one };
    }
    default:
      throw new TypeError(`${field.toString()}: maps are in no message of ours`);
  }
}

function messageSchema(message: DescMessage): Json {
  const properties = message.fields.map((field) => {
    const found = fieldSchema(field);
    // Beside a reference, a description stands for this use of the type.
    return [field.jsonName, { ...found, description: textOf(field) }];
  });
  return {
    type: "object",
    description: textOf(message),
    properties: Object.fromEntries(properties),
  };
}

function enumSchema(desc: DescEnum): Json {
  const values = desc.values.map((value) => `${value.name}: ${textOf(value)}`);
  return {
    type: "string",
    enum: desc.values.map(({ name }) => name),
    description: [textOf(desc), ...values].join("\n"),
  };
}

function textOf(desc: Parameters<typeof getComments>[0]): string {
  return (getComments(desc).leading ?? "").replace(/^ /gm, "").trim();
}

function operation(method: DescMethod): Json {
  const isStream = method.methodKind === "server_streaming";
  const kind = isStream ? "application/connect+json" : "application/json";
  const content = (schema: Json): Json => ({ [kind]: { schema } });
  const framing = isStream
    ? "\nRequest and messages are framed as the Connect protocol says: five bytes (flags, length) before each."
    : "";
  return {
    post: {
      tags: [method.parent.name],
      operationId: `${method.parent.name}.${method.name}`,
      description: `${textOf(method)}${framing}`,
      requestBody: { required: true, content: content(reference(method.input)) },
      responses: {
        "200": { description: "The answer.", content: content(reference(method.output)) },
        default: {
          description: "A refusal; a stream answers 200 and tells it in its last frame.",
          content: { "application/json": { schema: { $ref: "#/components/schemas/Refusal" } } },
        },
      },
    },
  };
}

const refusal: Json = {
  type: "object",
  description: "Why a call was refused, as the Connect protocol writes it.",
  properties: {
    code: { type: "string", description: "`invalid_argument`, `not_found` and so on." },
    message: { type: "string", description: "For people." },
    details: {
      type: "array",
      description:
        "google.rpc.ErrorInfo, BadRequest, QuotaFailure and RetryInfo, where they say something.",
      items: {
        type: "object",
        properties: {
          type: { type: "string" },
          value: { type: "string", contentEncoding: "base64" },
        },
      },
    },
  },
};

const image = execFileSync("buf", ["build", "-o", "-", "--as-file-descriptor-set"], {
  cwd: new URL("..", import.meta.url),
  maxBuffer: 64 * 1024 * 1024,
});
const registry = createFileRegistry(fromBinary(FileDescriptorSetSchema, image));
const found = services.map((name) => {
  const service = registry.getService(name);
  if (service === undefined) {
    throw new Error(`there is no ${name}`);
  }
  return service;
});
const paths = found.flatMap((service) =>
  service.methods.map((method) => [`/${service.typeName}/${method.name}`, operation(method)]),
);
const document = {
  openapi: "3.1.0",
  info: {
    title: "Turntable",
    version: "v1",
    description: "Text to 3D: tasks for the subnet's miners, and scores for assets of one's own.",
  },
  security: [{ key: [] }],
  tags: found.map((service) => ({ name: service.name, description: textOf(service) })),
  paths: Object.fromEntries(paths),
  components: {
    securitySchemes: { key: { type: "http", scheme: "bearer" } },
    schemas: { Refusal: refusal, ...Object.fromEntries([...schemas].sort()) },
  },
};
const text = `${JSON.stringify(document, undefined, 1)}\n`;
if (!process.argv.includes("--check")) {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  console.error("proto/gen/openapi.json is not up to date; run: npm run generate");
  process.exitCode = 1;
}
