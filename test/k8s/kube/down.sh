#!/usr/bin/env bash
# down.sh WORK: ends what up.sh and the node agent started there, by its process ids, last first. The state stays in WORK.
set -euo pipefail
work=$(cd "$1" && pwd)
for name in node-agent keda-adapter keda-operator scheduler controller-manager apiserver etcd; do
  [ -s "$work/pid/$name" ] || continue
  pid=$(cat "$work/pid/$name")
  kill "$pid" 2>/dev/null || true
  patience=$([ "$name" = node-agent ] && echo 400 || echo 40) # quarters of a second; pods end in their grace periods
  for ((i = 0; i < patience; i++)); do kill -0 "$pid" 2>/dev/null || break; sleep 0.25; done
  kill -9 "$pid" 2>/dev/null || true
  rm "$work/pid/$name"
done
