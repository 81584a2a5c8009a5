#!/usr/bin/env bash
# build.sh BIN MANIFESTS [--without-keda]: compiles what is missing in the folder BIN: kube (etcd, API server, controllers, scheduler,
# kubectl), nats-server, KEDA's operator and adapter. KEDA's manifests go to MANIFESTS/keda; the types of the Gateway API and
# of the Prometheus operator to MANIFESTS/crds. Needs Go; alone on two cores it takes a quarter of an hour, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(mkdir -p "$1" && cd "$1" && pwd)
manifests=$(mkdir -p "$2" && cd "$2" && pwd)
kubernetes=v1.36.3 keda=v2.21.0 gateway=v1.6.0 prometheus=v0.85.0
# Of the image that the manifests name; Go takes v2.12 for the newest of that line.
nats=v$(sed -n 's/.*image: nats:\([0-9.]*\)-.*/\1/p' "$here/../../../k8s/base/nats.yaml")
source_of() { go mod download -json "$1" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p'; }

if [ ! -x "$bin/kube" ]; then
  version="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
  (cd "$here" && nice -n 10 go build -trimpath -ldflags "-s -w $version" -o "$bin/kube" .)
fi
if [ ! -x "$bin/nats-server-$nats" ]; then
  GOBIN=$bin nice -n 10 go install "github.com/nats-io/nats-server/v2@$nats"
  mv "$bin/nats-server" "$bin/nats-server-$nats"
  ln -sf "nats-server-$nats" "$bin/nats-server"
fi
if [ ! -d "$manifests/crds" ]; then
  mkdir -p "$manifests/crds.new"
  cp --no-preserve=mode "$(source_of sigs.k8s.io/gateway-api@$gateway)"/config/crd/standard/*_{gatewayclasses,gateways,grpcroutes,httproutes}.yaml \
    "$(source_of github.com/prometheus-operator/prometheus-operator@$prometheus)"/example/prometheus-operator-crd/*_{podmonitors,prometheusrules,servicemonitors}.yaml \
    "$manifests/crds.new"
  mv "$manifests/crds.new" "$manifests/crds"
fi
[ "${3:-}" = --without-keda ] && exit
if [ ! -x "$bin/keda-adapter" ] || [ ! -d "$manifests/keda/crd" ]; then
  # KEDA's go.mod has a replace directive, so `go install` refuses it; building inside its module folder honours it.
  source=$(source_of github.com/kedacore/keda/v2@$keda)
  for program in operator adapter; do
    [ -x "$bin/keda-$program" ] || (cd "$source" && nice -n 10 go build -trimpath -ldflags "-s -w" -o "$bin/keda-$program" "./cmd/$program")
  done
  mkdir -p "$manifests/keda" && cp -r --no-preserve=mode "$source/config/." "$manifests/keda/"
fi
