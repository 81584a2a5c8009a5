#!/usr/bin/env bash
# Installs zsh and fish on Debian and Ubuntu, whose completion of the command the tests try. Does nothing, and says so,
# where it cannot: these tests are skipped then.
set -euo pipefail

packages=(zsh fish)
if ! command -v apt-get >/dev/null; then
  echo "install-shells: this is no Debian; completion is tried in the shells that are there"
elif dpkg-query -W "${packages[@]}" >/dev/null 2>&1; then
  echo "install-shells: everything is there"
elif [ "$(id -u)" -ne 0 ]; then
  echo "install-shells: only root can install ${packages[*]}; completion is tried in the shells that are there"
else
  export DEBIAN_FRONTEND=noninteractive
  # An unreachable mirror leaves these tests skipped; it fails nothing else.
  if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends "${packages[@]}"; }; then
    echo "install-shells: the packages could not be installed; completion is tried in the shells that are there"
  fi
fi
