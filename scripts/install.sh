#!/bin/sh
# Installs the Debian packages that Heed needs and that are missing: LLVM's development files, pip to fetch the model, and those named.
# Usage: scripts/install.sh [PACKAGE ...]    LLVM_VERSION chooses the LLVM, 19 unless given. Does nothing where all is there.
set -eu

llvm=${LLVM_VERSION:-19}

fail() {
  echo "install: error: $1" >&2
  exit 1
}

command -v "${SWIFT:-swift}" >/dev/null ||
  fail "got no Swift toolchain, expected Swift 6.1 or later in PATH (https://www.swift.org/install/linux/debian/)"

missing=
[ -e "/usr/lib/llvm-$llvm/include/llvm-c/Core.h" ] && [ -e "/usr/lib/llvm-$llvm/lib/libLLVM.so" ] ||
  [ -e "/usr/lib/llvm-$llvm/lib/libLLVM-$llvm.so" ] || missing="$missing llvm-$llvm-dev"
python3 -m pip --version >/dev/null 2>&1 || missing="$missing python3-pip"
for package in "$@"; do
  dpkg-query --show --showformat '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null || fail "got a system without apt-get, expected these Debian packages to be there:$missing"
root=
if [ "$(id -u)" -ne 0 ]; then
  command -v sudo >/dev/null || fail "not root and no sudo: run, as root, apt-get install$missing"
  root=sudo
fi
echo "install: installing$missing" >&2
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
$root apt-get install --yes --no-install-recommends $missing >&2 ||
  { $root apt-get update >&2 && $root apt-get install --yes --no-install-recommends $missing >&2; } ||
  fail "apt-get could not install$missing (see above)"
