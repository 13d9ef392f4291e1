#!/usr/bin/env bash
# Formats every source file, or with --check only says which ones are not formatted.
# Other versions than 14 format differently: without it the status is 77, and nothing is changed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

clang_format=""
for candidate in clang-format-14 clang-format; do
  if command -v "$candidate" >/dev/null && "$candidate" --version | grep -q 'version 14\.'; then
    clang_format=$candidate
    break
  fi
done
if [[ -z $clang_format ]]; then
  echo "skipped: clang-format 14 is not there (Debian 12's package clang-format)" >&2
  exit 77
fi

mode=(-i)
[[ ${1:-} == --check ]] && mode=(--dry-run -Werror)
find . \( -path './.*' -o -path ./build -o -path ./runs \) -prune -o \
  \( -name '*.h' -o -name '*.cpp' -o -name '*.cu' -o -name '*.cuh' \) -print0 |
  xargs -0 "$clang_format" "${mode[@]}"
