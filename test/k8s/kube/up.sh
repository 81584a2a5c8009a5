#!/usr/bin/env bash
# up.sh WORK [--without-keda]: a real Kubernetes control plane on loopback, and KEDA, of the programs in WORK/bin (build.sh).
# Ports are BASE_PORT (default 26000) to BASE_PORT + 13. `down.sh WORK` stops it; the state stays in WORK/etcd.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mkdir -p "$1" && cd "$1" && pwd)
options=${*:2}
wants() { case " $options " in *" --without-$1 "*) return 1 ;; esac; }
base=${BASE_PORT:-26000}
etcd_port=$base etcd_peer=$((base + 1)) api_port=$((base + 2)) manager_port=$((base + 3)) scheduler_port=$((base + 4))
keda_metrics=$((base + 6)) keda_probe=$((base + 7)) keda_grpc=$((base + 8)) adapter_port=$((base + 9)) adapter_metrics=$((base + 10)) proxy_port=$((base + 13))
server=https://127.0.0.1:$api_port
pki=$work/pki
mkdir -p "$work"/{pki,etcd,log,pid}

kube=$work/bin/kube
kubectl() { "$kube" kubectl --kubeconfig "$work/kubeconfig" "$@"; }

# --- keys: one authority for everything
openssl_quiet() { openssl "$@" 2>"$work/log/openssl.log" || { cat "$work/log/openssl.log" >&2; exit 1; }; }
certificate() { # NAME SUBJECT [SUBJECT_ALTERNATIVE_NAMES]
  [ -s "$pki/$1.crt" ] && return
  openssl_quiet ecparam -name prime256v1 -genkey -noout -out "$pki/$1.key"
  openssl_quiet req -new -key "$pki/$1.key" -subj "$2" -out "$pki/$1.csr"
  printf 'keyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n%s\n' "${3:+subjectAltName=$3}" >"$pki/$1.ext"
  openssl_quiet x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 365 -extfile "$pki/$1.ext" -out "$pki/$1.crt"
}
if [ ! -s "$pki/ca.crt" ]; then
  openssl_quiet ecparam -name prime256v1 -genkey -noout -out "$pki/ca.key"
  openssl_quiet req -x509 -new -key "$pki/ca.key" -subj /CN=kube-ca -days 365 -out "$pki/ca.crt"
  openssl_quiet genrsa -out "$pki/service-account.key" 2048
fi
local_names=DNS:localhost,IP:127.0.0.1
certificate apiserver /CN=kube-apiserver "$local_names,IP:10.96.0.1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
certificate front-proxy /CN=front-proxy
certificate kubelet-client /CN=kube-apiserver-kubelet-client
certificate admin /O=system:masters/CN=admin
certificate controller-manager /O=system:kube-controller-manager/CN=system:kube-controller-manager
certificate scheduler /O=system:kube-scheduler/CN=system:kube-scheduler
certificate keda /CN=keda-operator "$local_names,DNS:keda-metrics-apiserver.keda.svc"
kubeconfig() { # FILE USER_FIELDS
  cat >"$1" <<CONFIG
apiVersion: v1
kind: Config
clusters: [{name: local, cluster: {server: "$server", certificate-authority: "$pki/ca.crt"}}]
users: [{name: me, user: {$2}}]
contexts: [{name: local, context: {cluster: local, user: me}}]
current-context: local
CONFIG
  chmod 600 "$1"
}
by_certificate() { echo "client-certificate: \"$pki/$1.crt\", client-key: \"$pki/$1.key\""; }
kubeconfig "$work/kubeconfig" "$(by_certificate admin)"
kubeconfig "$pki/controller-manager.kubeconfig" "$(by_certificate controller-manager)"
kubeconfig "$pki/scheduler.kubeconfig" "$(by_certificate scheduler)"

# --- processes
running() { [ -s "$work/pid/$1" ] && kill -0 "$(cat "$work/pid/$1")" 2>/dev/null; }
start() { # NAME COMMAND...
  local name=$1; shift
  running "$name" && return
  setsid "$@" >>"$work/log/$name.log" 2>&1 </dev/null &
  echo $! >"$work/pid/$name"
}
until_true() { # SECONDS WHAT COMMAND...
  local end=$((SECONDS + $1)) seconds=$1 what=$2; shift 2
  while ((SECONDS < end)); do "$@" >/dev/null 2>&1 && return; sleep 0.25; done
  echo "up.sh: $what is not ready after $seconds s; see $work/log" >&2; exit 1
}

start etcd "$kube" etcd --name=local --data-dir="$work/etcd" --log-level=warn --unsafe-no-fsync \
  --listen-client-urls=http://127.0.0.1:$etcd_port --advertise-client-urls=http://127.0.0.1:$etcd_port \
  --listen-peer-urls=http://127.0.0.1:$etcd_peer --initial-advertise-peer-urls=http://127.0.0.1:$etcd_peer --initial-cluster=local=http://127.0.0.1:$etcd_peer
# Nothing in the nodes' network is reached from here, so the kubernetes Service has no endpoint (node-agent.mjs serves
# it) and extension servers are reached by ExternalName.
start apiserver "$kube" apiserver --etcd-servers=http://127.0.0.1:$etcd_port --bind-address=127.0.0.1 --secure-port=$api_port \
  --endpoint-reconciler-type=none --service-cluster-ip-range=10.96.0.0/16 --authorization-mode=Node,RBAC --allow-privileged=true \
  --client-ca-file="$pki/ca.crt" --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
  --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$pki/service-account.key" --service-account-signing-key-file="$pki/service-account.key" \
  --requestheader-client-ca-file="$pki/ca.crt" --requestheader-allowed-names=front-proxy --requestheader-username-headers=X-Remote-User \
  --requestheader-group-headers=X-Remote-Group --requestheader-extra-headers-prefix=X-Remote-Extra- \
  --kubelet-client-certificate="$pki/kubelet-client.crt" --kubelet-client-key="$pki/kubelet-client.key" \
  --proxy-client-cert-file="$pki/front-proxy.crt" --proxy-client-key-file="$pki/front-proxy.key" ${APISERVER_FLAGS:-}
until_true 120 apiserver kubectl get --raw /readyz

# The autoscaler looks every 5 s instead of every 15 s, so that tests are short.
start controller-manager "$kube" controller-manager --kubeconfig="$pki/controller-manager.kubeconfig" --authentication-kubeconfig="$pki/controller-manager.kubeconfig" \
  --authorization-kubeconfig="$pki/controller-manager.kubeconfig" --bind-address=127.0.0.1 --secure-port=$manager_port --leader-elect=false \
  --use-service-account-credentials=true --service-account-private-key-file="$pki/service-account.key" --root-ca-file="$pki/ca.crt" \
  --horizontal-pod-autoscaler-sync-period=5s ${CONTROLLER_MANAGER_FLAGS:-}
start scheduler "$kube" scheduler --kubeconfig="$pki/scheduler.kubeconfig" --authentication-kubeconfig="$pki/scheduler.kubeconfig" \
  --authorization-kubeconfig="$pki/scheduler.kubeconfig" --bind-address=127.0.0.1 --secure-port=$scheduler_port --leader-elect=false
until_true 60 "the default service account" kubectl get serviceaccount default
ready() { echo "ready: $server"; echo "kubectl: $kube kubectl --kubeconfig $work/kubeconfig"; }
wants keda || { ready; exit; }

# --- KEDA, with the rights of its own service account. It is outside the network of node-agent.mjs and reaches that by
# an HTTP proxy, which programs in Go use for all that is not loopback.
mkdir -p "$work/keda-certs"; cp "$pki/ca.crt" "$work/keda-certs/ca.crt"; cp "$pki/keda.crt" "$work/keda-certs/tls.crt"; cp "$pki/keda.key" "$work/keda-certs/tls.key"
keda=$work/keda
kubectl apply --server-side --force-conflicts -f "$keda/general/namespace.yaml" -f "$keda/crd/bases" -f "$keda/service_account/service_account.yaml" \
  -f "$keda/rbac/role.yaml" -f "$keda/rbac/role_binding.yaml" -f "$keda/metrics-server/role.yaml" -f "$keda/metrics-server/role_binding.yaml" >>"$work/log/apply.log"
sed -e "s/ADAPTER_PORT/$adapter_port/" -e "s/CA_BUNDLE/$(base64 -w0 "$pki/ca.crt")/" "$here/external-metrics.yaml" | kubectl apply --server-side --force-conflicts -f - >>"$work/log/apply.log"
kubeconfig "$pki/keda.kubeconfig" "token: \"$(kubectl create token keda-operator -n keda --duration=24h)\""
until_true 30 "the ScaledObject type" kubectl get scaledobjects -A
export HTTP_PROXY=http://127.0.0.1:$proxy_port NO_PROXY=
export POD_NAMESPACE=keda KEDA_CLUSTER_OBJECT_NAMESPACE=keda WATCH_NAMESPACE=
start keda-operator "$work/bin/keda-operator" --kubeconfig="$pki/keda.kubeconfig" --cert-dir="$work/keda-certs" --zap-encoder=console \
  --metrics-bind-address=127.0.0.1:$keda_metrics --health-probe-bind-address=127.0.0.1:$keda_probe --metrics-service-bind-address=127.0.0.1:$keda_grpc
until_true 60 keda-operator curl -fsS --noproxy '*' http://127.0.0.1:$keda_probe/readyz
KUBECONFIG=$pki/keda.kubeconfig start keda-adapter "$work/bin/keda-adapter" --bind-address=127.0.0.1 --secure-port=$adapter_port --port=$adapter_metrics \
  --authentication-kubeconfig="$pki/keda.kubeconfig" --authorization-kubeconfig="$pki/keda.kubeconfig" --lister-kubeconfig="$pki/keda.kubeconfig" \
  --client-ca-file="$pki/ca.crt" --tls-cert-file="$work/keda-certs/tls.crt" --tls-private-key-file="$work/keda-certs/tls.key" --cert-dir="$work/keda-certs" \
  --metrics-service-address=127.0.0.1:$keda_grpc
until_true 60 "the external metrics API" kubectl wait --for=condition=Available apiservice/v1beta1.external.metrics.k8s.io --timeout=1s
ready
