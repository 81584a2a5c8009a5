/** One function for each thing that happens: the counter and the log line together. Hotkeys go to logs only. */
import type { AxonEvent } from "@turntable/bittensor/axon";
import type { Logger, Metrics } from "@turntable/process";
import { traceIdOf } from "@turntable/process";
import type { ApiCallEvent } from "./api/index.ts";
import type { Feedback } from "./submissions/index.ts";

export interface Events {
  apiCall(event: ApiCallEvent): void;
  axonRequest(event: AxonEvent): void;
  assigned(event: {
    readonly taskId: string;
    readonly taskClass: string;
    readonly hotkey: string;
  }): void;
  submitted(event: {
    readonly submissionId: string;
    readonly hotkey: string;
    readonly sizeBytes: number;
  }): void;
  verdict(event: {
    readonly submissionId: string;
    readonly hotkey: string;
    /** Undefined when it came to no worker. */
    readonly workerId: string | undefined;
    readonly attempt: number | undefined;
    readonly feedback: Feedback;
    readonly waitedMs: number;
  }): void;
  /** A fault that is tried again. */
  trouble(what: string, error: unknown): void;
}

export function createEvents(logger: Logger, metrics: Metrics): Events {
  const { meter } = metrics;
  const apiCalls = meter.createCounter("turntable_api_calls", {
    description: "calls of the public API by method and status code",
  });
  const apiSeconds = meter.createHistogram("turntable_api_call_seconds", {
    description: "duration of the public API's calls",
  });
  const axonRequests = meter.createCounter("turntable_axon_requests", {
    description: "requests of miners by synapse and status code",
  });
  const axonSeconds = meter.createHistogram("turntable_axon_request_seconds", {
    description: "duration of the miners' requests",
  });
  const assignments = meter.createCounter("turntable_assignments", {
    description: "tasks lent to miners by class",
  });
  const submissions = meter.createCounter("turntable_submissions", {
    description: "submissions taken from miners",
  });
  const verdicts = meter.createCounter("turntable_verdicts", {
    description: "verdicts by kind",
  });
  const verdictSeconds = meter.createHistogram("turntable_verdict_seconds", {
    description: "from a submission to its verdict",
  });
  const troubles = meter.createCounter("turntable_troubles", {
    description: "faults of ours that were tried again",
  });

  return {
    apiCall(event) {
      const labels = { method: event.method.split("/").at(-1) ?? "", code: event.code };
      apiCalls.add(1, labels);
      apiSeconds.record(event.durationMs / 1000, labels);
      const fields = {
        ...labels,
        client: event.client,
        duration_ms: Math.round(event.durationMs),
        trace_id: traceIdOf(event.traceparent),
      };
      const { fault } = event;
      if (fault === undefined) logger.info(fields, "api call");
      else logger.error({ ...fields, error_id: fault.id, err: fault.cause }, "api call failed");
    },
    axonRequest(event) {
      const labels = { synapse: event.synapse ?? "unknown", code: String(event.status) };
      axonRequests.add(1, labels);
      axonSeconds.record(event.durationMs / 1000, labels);
      const fields = {
        ...labels,
        hotkey: event.hotkey,
        verified: event.verified,
        remote: event.remoteAddress,
        sdk_version: event.sdkVersion,
        message: event.message,
        body_bytes: event.bodyBytes,
        duration_ms: Math.round(event.durationMs),
        trace_id: traceIdOf(event.traceparent),
      };
      if (event.error === undefined) logger.info(fields, "axon request");
      else logger.error({ ...fields, error_id: event.errorId, err: event.error }, "axon request");
    },
    assigned(event) {
      assignments.add(1, { class: event.taskClass });
      logger.info(
        { task_id: event.taskId, class: event.taskClass, hotkey: event.hotkey },
        "task assigned",
      );
    },
    submitted(event) {
      submissions.add(1);
      logger.info(
        { job_id: event.submissionId, hotkey: event.hotkey, size_bytes: event.sizeBytes },
        "submission taken",
      );
    },
    verdict(event) {
      verdicts.add(1, { kind: event.feedback.verdict });
      verdictSeconds.record(event.waitedMs / 1000);
      const fault = event.feedback.verdict === "system-fault";
      logger[fault ? "error" : "info"](
        {
          job_id: event.submissionId,
          hotkey: event.hotkey,
          outcome: event.feedback.verdict,
          score: event.feedback.score,
          reason: event.feedback.reason || undefined,
          worker_id: event.workerId,
          attempt: event.attempt,
          duration_ms: event.waitedMs,
        },
        "verdict",
      );
    },
    trouble(what, error) {
      troubles.add(1);
      logger.warn({ err: error }, what);
    },
  };
}
