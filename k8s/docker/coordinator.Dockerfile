# Build from the repository's root: docker build -f k8s/docker/coordinator.Dockerfile -t turntable/coordinator .
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY . .
# Only what this process needs; no install scripts, so nothing is downloaded but packages of the lock file.
RUN npm ci --omit=dev --ignore-scripts --workspace @turntable/coordinator --include-workspace-root=false

FROM node:24.21-bookworm-slim
WORKDIR /app
COPY --from=packages /app ./
USER 1000:1000
EXPOSE 50051 8091 9090
ENTRYPOINT ["/app/coordinator/bin/turntable-coordinator"]
