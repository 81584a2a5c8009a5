# Build from the repository's root: docker build -f k8s/docker/worker.Dockerfile -t turntable/worker .
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY . .
# Only what this process needs; no install scripts, so nothing is downloaded but packages of the lock file.
RUN npm ci --omit=dev --ignore-scripts --workspace @turntable/validation --include-workspace-root=false

FROM node:24.21-bookworm-slim
# The loader alone: a GPU's Vulkan driver comes from the host with the container runtime, see the worker's README.
RUN apt-get update && apt-get install -y --no-install-recommends libvulkan1 && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY --from=packages /app ./
# The programs set it themselves before ONNX Runtime is loaded; here it also holds for whatever else is run in the image.
ENV ORT_DISABLE_TELEMETRY=1
USER 1000:1000
EXPOSE 9091
ENTRYPOINT ["/app/workers/validation/bin/turntable-worker"]
CMD ["run"]
