#!/bin/sh
# make-certificate.sh NAMESPACE: an authority and a certificate of NATS for a year, as the Secret nats-tls. For clusters
# without cert-manager. The authority's key is thrown away: run it again for the next certificate.
set -eu
namespace=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 366 -subj /CN=turntable-nats-authority -keyout ca.key -out ca.crt 2>/dev/null
openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=nats -keyout tls.key -out tls.csr 2>/dev/null
cat >extensions <<END
subjectAltName=DNS:nats,DNS:nats.$namespace.svc,DNS:nats.$namespace.svc.cluster.local,DNS:*.nats,DNS:*.nats.$namespace.svc,DNS:*.nats.$namespace.svc.cluster.local
extendedKeyUsage=serverAuth,clientAuth
keyUsage=digitalSignature
END
openssl x509 -req -in tls.csr -CA ca.crt -CAkey ca.key -CAcreateserial -days 365 -extfile extensions -out tls.crt 2>/dev/null
kubectl -n "$namespace" create secret generic nats-tls --from-file=tls.crt --from-file=tls.key --from-file=ca.crt \
  --dry-run=client --output=yaml | kubectl apply -f -
