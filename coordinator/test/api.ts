/** The API on loopback, over gRPC and HTTP: the coordinator's rules, workers in the test's hands. */
import assert from "node:assert/strict";
import { hash, randomBytes } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { join } from "node:path";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { startHttpServer } from "@turntable/process";
import { GenerationService } from "@turntable/proto";
import { createServiceClient } from "@turntable/proto/grpc";
import type { AccessInterceptor, Keyless } from "../src/api/access.ts";
import {
  type ApiCallEvent,
  type ApiOptions,
  attachWeb,
  createAccess,
  maxWebBodyBytes,
  startApi,
} from "../src/api/index.ts";
import { openApiKeys, parseApiKeys } from "../src/keys/index.ts";
import { createScorings, openUploads } from "../src/scorings/index.ts";
import { openRules, rules, validator } from "./rules.ts";

export interface ApiChange extends Partial<Omit<ApiOptions, "access">> {
  readonly maxOpenTasks?: number;
  /** Text of a key file; without it everybody may call. */
  readonly keyFile?: string;
  readonly corsOrigins?: readonly string[];
  readonly wallets?: Keyless["wallets"];
  /** What else is between a call's caller and its handler. */
  readonly wrapAccess?: (access: AccessInterceptor) => AccessInterceptor;
}

export const anonymous = { metadata: new Metadata() };

/** @param change of the API's own options, and of what it stands on */
export async function openApi({
  keyFile,
  corsOrigins = [],
  wallets,
  wrapAccess = (access) => access,
  ...change
}: ApiChange = {}) {
  await using stack = new AsyncDisposableStack();
  const subnet = stack.use(await openRules(change));
  const fromFile = keyFile === undefined ? [] : parseApiKeys(keyFile);
  const keys = stack.use(openApiKeys(subnet.directory, fromFile));
  const uploads = await openUploads(join(subnet.directory, "uploads"));
  const scorings = stack.use(
    createScorings({
      ...{ store: subnet.store, assets: subnet.assets, reports: subnet.reports, rules, uploads },
      limits: { open: 40, openOfClient: 30, assetBytes: 3_000_000 },
      isAssetOfOthers: subnet.submissions.keepsAsset,
      onEnded: () => undefined,
      onTrouble: assert.fail,
    }),
  );
  const access = stack.use(createAccess({ keys, now: change.now ?? (() => 1_000) }));
  const events: ApiCallEvent[] = [];
  const told = new EventEmitter();
  const onCall = (event: ApiCallEvent): void => {
    events.push(event);
    told.emit("call");
  };
  const api = stack.use(
    await startApi({
      host: "127.0.0.1",
      port: 0,
      access: wrapAccess(
        access.interceptorFor({
          anonymous: keyFile === undefined ? ["generate", "score"] : [],
          wallets,
        }),
      ),
      scoring: {
        scorings,
        limits: { assetBytes: 3_000_000 },
        cancel: (id) => scorings.cancel(id, 1_000),
      },
      tasks: subnet.tasks,
      cancelTask: (taskId) => subnet.submissions.cancel(taskId, 1_000),
      validatorHotkey: validator.ss58,
      submissionOf: subnet.submissions.get,
      reportOf: subnet.reports.get,
      readAsset: subnet.assets.read,
      maxPromptChars: 10,
      onTrouble: assert.fail,
      onCall,
      now: () => 1_000,
      ...change,
    }),
  );
  const http = stack.use(
    await startHttpServer({
      port: 0,
      maxBodyBytes: maxWebBodyBytes,
      routes: (app) => attachWeb(app, [{ methods: api.web, corsOrigins }]),
    }),
  );
  stack.defer(() => api.endStreams());
  const channel = new Client(`127.0.0.1:${api.port}`, credentials.createInsecure());
  stack.defer(() => channel.close());
  const client = createServiceClient(GenerationService, channel);
  const running = stack.move();
  return {
    ...{ subnet, scorings, keys, access, api, http, events, onCall, client },
    /** Resolves once so many calls of this method have ended so. */
    async eventsOf(method: string, code: string, count: number): Promise<void> {
      const isOne = (event: ApiCallEvent) => event.method === method && event.code === code;
      while (events.filter(isOne).length < count) {
        await once(told, "call");
      }
    },
    /** Resolves once so many calls have ended. */
    async eventCount(count: number): Promise<void> {
      while (events.length < count) {
        await once(told, "call");
      }
    },
    /** A scoring of this client's, of three bytes; with a score once they are scored. */
    async makeScoring(client: string, score?: number): Promise<string> {
      const bytes = randomBytes(3);
      const sha256 = hash("sha256", bytes, "hex");
      const encoding = { format: "ply", version: 0, compression: 0 };
      const request = { client, prompt: "a cup", sizeBytes: 3, sha256, encoding };
      const outcome = scorings.create({ ...request, requestId: undefined }, 1_000);
      const { id } = outcome.kind === "created" ? outcome.scoring : assert.fail(outcome.kind);
      if (score !== undefined) {
        await scorings.upload(id, 0, bytes, 1_000);
        scorings.applyResult(subnet.scored(id, score), 1_000);
      }
      return id;
    },
    /** A task of `anonymous`, made through the API. */
    async ask(prompt = "a red cube"): Promise<string> {
      return (await client.createTask({ prompt }, anonymous)).task?.id ?? assert.fail();
    },
    /** Hands in and scores, as `hotkey`. */
    async score(
      taskId: string,
      hotkey: string,
      score: number,
      bytes?: Uint8Array,
    ): Promise<string> {
      const { id } = await subnet.submit(taskId, hotkey, 1_000, bytes);
      subnet.submissions.applyResult(subnet.scored(id, score), 1_000);
      return id;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
