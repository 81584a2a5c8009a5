export * from "./gen/turntable/bus/v1/render_score_pb.ts";
export * from "./gen/turntable/v1/admin_service_pb.ts";
export * from "./gen/turntable/v1/generation_service_pb.ts";
export * from "./gen/turntable/v1/report_pb.ts";
export * from "./gen/turntable/v1/scoring_service_pb.ts";
export * from "./gen/turntable/v1/subnet_service_pb.ts";
export * from "./gen/turntable/v1/task_pb.ts";
export { canonicalReport, subnetAcceptance } from "./report.ts";
