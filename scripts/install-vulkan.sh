#!/usr/bin/env bash
# Installs what the gl and webgpu render backends need on Debian and Ubuntu. For gl: the Vulkan loader with Mesa's
# drivers (llvmpipe, in software, among them) and the X11 client libraries that the gl add-on is linked with; no X
# server is needed. For webgpu without a GPU: chromium, which brings SwiftShader's Vulkan driver; its library refuses
# Debian 12's llvmpipe. Then puts the loader where ANGLE looks for it. Does nothing, and says so, where it cannot.
set -euo pipefail
cd "$(dirname "$0")/.."

packages=(libvulkan1 mesa-vulkan-drivers libx11-6 libxext6 libxcb1 libdrm2)
# Ubuntu's chromium is a snap, without the driver where a process would find it.
if grep -qs '^ID=debian$' /etc/os-release; then packages+=(chromium); fi

if ! command -v apt-get >/dev/null; then
  echo "install-vulkan: this is no Debian; the gl and webgpu tests are skipped unless a Vulkan driver is there"
elif dpkg-query -W "${packages[@]}" >/dev/null 2>&1; then
  echo "install-vulkan: everything is there"
elif [ "$(id -u)" -ne 0 ]; then
  echo "install-vulkan: only root can install ${packages[*]}; the gl and webgpu tests are skipped"
else
  export DEBIAN_FRONTEND=noninteractive
  # An unreachable mirror leaves these tests skipped; it fails nothing else.
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; }; then
    echo "install-vulkan: the packages could not be installed; the gl and webgpu tests are skipped"
  fi
fi
PATH="$PWD/node_modules/.bin:$PATH" node scripts/postinstall.mjs
