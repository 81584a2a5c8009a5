# All images: `docker buildx bake -f k8s/docker/bake.hcl`, or one: `… bake -f k8s/docker/bake.hcl worker-webgpu`.
variable "REGISTRY" { default = "turntable" }
variable "VERSION" { default = "latest" }
variable "REVISION" { default = "" }
variable "SOURCE" { default = "" }
variable "NODE_DIGEST" { default = "" }
variable "DEBIAN_DIGEST" { default = "" }
variable "CUDA_DIGEST" { default = "" }
# What `docker load` takes is one platform; a release names both.
variable "PLATFORMS" { default = "linux/amd64" }

group "default" {
  targets = ["plain", "worker-webgpu", "worker-cuda"]
}

target "common" {
  context    = "."
  dockerfile = "k8s/docker/Dockerfile"
  platforms  = split(",", PLATFORMS)
  args = {
    VERSION       = VERSION
    REVISION      = REVISION
    SOURCE        = SOURCE
    NODE_DIGEST   = NODE_DIGEST
    DEBIAN_DIGEST = DEBIAN_DIGEST
    CUDA_DIGEST   = CUDA_DIGEST
  }
}

target "plain" {
  inherits = ["common"]
  matrix   = { role = ["coordinator", "worker", "generator", "miner", "prompts"] }
  name     = role
  args     = { ROLE = role }
  tags     = ["${REGISTRY}/${role}:${VERSION}"]
}

target "worker-webgpu" {
  inherits = ["common"]
  args     = { ROLE = "worker", VARIANT = "webgpu" }
  tags     = ["${REGISTRY}/worker-webgpu:${VERSION}"]
}

target "worker-cuda" {
  inherits  = ["common"]
  platforms = ["linux/amd64"]
  args      = { ROLE = "worker", VARIANT = "cuda" }
  tags      = ["${REGISTRY}/worker-cuda:${VERSION}"]
}
