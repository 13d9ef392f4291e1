#!/usr/bin/env bash
# scripts/lab.sh with a GPU, a CUDA toolkit and CMake that are scripts: which preset it builds, what it says, what it runs.
#   lab_test.sh SOURCE_DIR
set -euo pipefail
source_dir=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0

fake() {
  mkdir -p "$(dirname "$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

# A tree of its own, whose CMake writes down what it is asked for and makes a program that tells where it is.
new_tree() {
  rm -rf "${folder:?}"/*
  mkdir -p "$folder/tree/scripts" "$folder/bin"
  cp "$source_dir/scripts/lab.sh" "$folder/tree/scripts/"
  sed "s|/usr/local/cuda|$folder/no-toolkit|" "$source_dir/scripts/gpu_common.sh" >"$folder/tree/scripts/gpu_common.sh"
  fake "$folder/tree/scripts/dependencies.sh" ':'
  # shellcheck disable=SC2016 # Expanded where it runs.
  fake "$folder/bin/cmake" '
    echo "$*" >>"$FOLDER/cmake.log"
    if [[ $1 == --build ]]; then
      mkdir -p "$2/bin"
      printf "#!/bin/sh\necho \"%s \$*\"\n" "${2##*/}" >"$2/bin/rushlight"
      chmod +x "$2/bin/rushlight"
      exit 0
    fi
    [[ $* == *cuda* && -n ${OLD_TOOLKIT:-} ]] && exit 1
    preset=$3
    mkdir -p "build/$preset"
    : >"build/$preset/build.ninja"'
}

# Runs it with `PATH` of the fakes and the system's tools, without any nvcc or nvidia-smi of the machine.
lab() {
  env -u CUDA_PATH -u CUDA_HOME -u CUDACXX FOLDER="$folder" PATH="$folder/bin:/usr/bin:/bin" "${settings[@]}" \
    "$folder/tree/scripts/lab.sh" "$@" >"$folder/out" 2>"$folder/err"
}

expect() {
  local name=$1 file=$2 text=$3
  if ! grep -qF -- "$text" "$file"; then
    printf '%s: %s lacks "%s":\n' "$name" "${file##*/}" "$text" >&2
    sed 's/^/  /' "$file" >&2
    failures=$((failures + 1))
  fi
}

expect_no() {
  local name=$1 file=$2 text=$3
  if grep -qF -- "$text" "$file"; then
    printf '%s: %s has "%s"\n' "$name" "${file##*/}" "$text" >&2
    failures=$((failures + 1))
  fi
}

settings=()
gpu='echo "GPU 0: NVIDIA H100 80GB HBM3 (UUID: GPU-1)"'

new_tree
lab --epochs 2
expect "no GPU" "$folder/out" "cpu train --epochs 2"
expect_no "no GPU" "$folder/err" "GPU"

new_tree
fake "$folder/bin/nvidia-smi" 'echo "NVIDIA-SMI has failed because it could not communicate with the NVIDIA driver."; exit 9'
fake "$folder/bin/nvcc" ':'
lab
expect "a driver that is broken" "$folder/out" "cpu train"

new_tree
fake "$folder/bin/nvidia-smi" "$gpu"
lab
expect "a GPU without nvcc" "$folder/out" "cpu train"
expect "a GPU without nvcc" "$folder/err" "There is a GPU, but no nvcc to build for it: install the CUDA toolkit"
expect_no "a GPU without nvcc" "$folder/cmake.log" "cuda"

new_tree
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/bin/nvcc" ':'
lab --dropout 0
expect "a GPU and nvcc" "$folder/out" "cuda train --dropout 0"
expect "a GPU and nvcc" "$folder/cmake.log" "-DCMAKE_CUDA_COMPILER=$folder/bin/nvcc -DCMAKE_CUDA_ARCHITECTURES=native"
: >"$folder/cmake.log"
lab
expect_no "a second run" "$folder/cmake.log" "--preset"
expect "a second run" "$folder/out" "cuda train"

new_tree
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/elsewhere/bin/nvcc" ':'
settings=(CUDA_HOME="$folder/elsewhere")
lab
expect "nvcc in CUDA_HOME" "$folder/cmake.log" "-DCMAKE_CUDA_COMPILER=$folder/elsewhere/bin/nvcc"
settings=()

new_tree
fake "$folder/bin/nvidia-smi" "$gpu"
fake "$folder/bin/nvcc" ':'
settings=(OLD_TOOLKIT=1)
lab
expect "a toolkit that is too old" "$folder/out" "cpu train"
expect "a toolkit that is too old" "$folder/err" "The build for the GPU failed"

((failures == 0))
