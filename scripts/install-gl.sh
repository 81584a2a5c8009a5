#!/usr/bin/env bash
# Installs what the gl render backend needs on Debian and Ubuntu: the Vulkan loader with Mesa's drivers (llvmpipe, in
# software, among them) and the X11 client libraries that the gl add-on is linked with. No X server is needed. Then
# puts the loader where ANGLE looks for it. Does nothing, and says so, where it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libvulkan1 mesa-vulkan-drivers libx11-6 libxext6 libxcb1 libdrm2)

if ! command -v apt-get >/dev/null; then
  echo "install-gl: this is no Debian; the gl backend's tests are skipped unless a Vulkan driver is there"
elif dpkg-query -W "${packages[@]}" >/dev/null 2>&1; then
  echo "install-gl: everything is there"
elif [ "$(id -u)" -ne 0 ]; then
  echo "install-gl: only root can install ${packages[*]}; the gl backend's tests are skipped"
else
  export DEBIAN_FRONTEND=noninteractive
  # An unreachable mirror leaves the gl tests skipped; it fails nothing else.
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; }; then
    echo "install-gl: the packages could not be installed; the gl backend's tests are skipped"
  fi
fi
PATH="$PWD/node_modules/.bin:$PATH" node scripts/postinstall.mjs
