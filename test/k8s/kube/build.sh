#!/usr/bin/env bash
# build.sh BIN KEDA [--without-keda]: compiles what is missing in the folder BIN: kube (etcd, API server, controllers, scheduler, kubectl)
# and KEDA's operator and adapter; KEDA's manifests go to the folder KEDA. Needs Go; alone on two cores it takes a quarter
# of an hour, once.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
bin=$(mkdir -p "$1" && cd "$1" && pwd)
manifests=$(mkdir -p "$2" && cd "$2" && pwd)
kubernetes=v1.36.3 keda=v2.21.0

if [ ! -x "$bin/kube" ]; then
  version="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1 -X k8s.io/component-base/version.gitMinor=36"
  (cd "$here" && nice -n 10 go build -trimpath -ldflags "-s -w $version" -o "$bin/kube" .)
fi
[ "${3:-}" = --without-keda ] && exit
if [ ! -x "$bin/keda-adapter" ] || [ ! -d "$manifests/crd" ]; then
  # KEDA's go.mod has a replace directive, so `go install` refuses it; building inside its module folder honours it.
  source=$(go mod download -json github.com/kedacore/keda/v2@$keda | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
  for program in operator adapter; do
    [ -x "$bin/keda-$program" ] || (cd "$source" && nice -n 10 go build -trimpath -ldflags "-s -w" -o "$bin/keda-$program" "./cmd/$program")
  done
  cp -r --no-preserve=mode "$source/config/." "$manifests/"
fi
