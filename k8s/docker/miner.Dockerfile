# Build from the repository's root: docker build -f k8s/docker/miner.Dockerfile -t turntable/miner .
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY . .
# Only what this process needs; no install scripts, so nothing is downloaded but packages of the lock file.
RUN npm ci --omit=dev --ignore-scripts --workspace @turntable/miner --include-workspace-root=false

FROM node:24.21-bookworm-slim
WORKDIR /app
COPY --from=packages /app ./
USER 1000:1000
EXPOSE 9092
ENTRYPOINT ["/app/workers/miner/bin/turntable-miner"]
