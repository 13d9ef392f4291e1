#!/usr/bin/env bash
# The lab from a fresh clone: installs what is missing, builds, and trains on Fashion-MNIST.
# Arguments go to `rushlight train`. Files named there, and the run's folder, are relative to where you are.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
build=$root/build/cpu

"$root/scripts/dependencies.sh" install build
if [[ ! -f $build/build.ninja ]]; then
  echo "Configuring (preset cpu)." >&2
  (cd "$root" && cmake --preset cpu -DRUSHLIGHT_TESTS=OFF) >&2
fi
echo "Building $build/bin/rushlight." >&2
cmake --build "$build" --target rushlight_program >&2
exec "$build/bin/rushlight" train "$@"
