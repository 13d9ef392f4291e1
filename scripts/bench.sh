#!/usr/bin/env bash
# How fast is Rushlight on this CPU, beside PyTorch, JAX and onnxruntime? Installs what is missing, builds, measures, and
# writes a record and its chart.
#   scripts/bench.sh [OPTION...]
#     --quick      fewer and shorter rounds: about two minutes; else five to six
#     --no-peers   Rushlight alone, which installs nothing from PyPI
#     --out DIR    where record and chart go (bench/results)
#   Further options go to bench/peers.py, whose --help tells them. The peers are installed into build/bench-venv, which takes
#   some gigabytes, as PyPI's PyTorch brings CUDA along. For steady figures leave the machine alone meanwhile.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
venv=$root/build/bench-venv
# What the figures of docs/performance.md were taken with, or later ones that promise to be alike.
packages=("torch>=2.15,<2.16" "jax[cpu]>=0.10,<0.11" "onnxruntime>=1.32,<2" "onnx>=1.23,<2" "numpy>=2.4,<3")

usage() {
  sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
}

build() {
  if [[ ! -f $root/build/cpu/build.ninja ]]; then
    echo "Configuring (preset cpu)." >&2
    (cd "$root" && cmake --fresh --preset cpu -DRUSHLIGHT_TESTS=OFF) >&2
  fi
  echo "Building build/cpu/bin/rushlight." >&2
  cmake --build "$root/build/cpu" --target rushlight_program >&2
}

# A venv is complete when its list of packages is there, and is as this script wants it.
make_venv() {
  local wanted
  wanted=$(printf '%s\n' "${packages[@]}")
  [[ $wanted != "$(cat "$venv/packages.txt" 2>/dev/null)" ]] || return 0
  echo "Installing ${packages[*]} into build/bench-venv." >&2
  python3 -m venv --clear "$venv" &&
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "${packages[@]}" >&2 &&
    echo "$wanted" >"$venv/packages.txt"
}

peers=yes
for argument in "$@"; do
  case $argument in
    --help) usage && exit ;;
    --no-peers) peers=no ;;
  esac
done
"$root/scripts/dependencies.sh" install build bench
python=python3
if [[ $peers == yes ]]; then
  if make_venv; then
    python=$venv/bin/python
  else
    # The comparison still has its other half.
    echo "The peers could not be installed, for the reason above. Going on with those that python3 has by itself." >&2
  fi
fi
build
exec "$python" "$root/bench/peers.py" "$@"
