# Build from the repository's root: docker build -f k8s/docker/prompts.Dockerfile -t turntable/prompts .
FROM node:24.21-bookworm-slim AS packages
WORKDIR /app
COPY . .
# Only what this process needs; no install scripts, so nothing is downloaded but packages of the lock file.
RUN npm ci --omit=dev --ignore-scripts --workspace @turntable/prompts --include-workspace-root=false

FROM node:24.21-bookworm-slim
WORKDIR /app
COPY --from=packages /app ./
USER 1000:1000
EXPOSE 8095
ENTRYPOINT ["/app/workers/prompts/bin/turntable-prompts"]
