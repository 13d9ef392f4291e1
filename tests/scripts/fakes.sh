# shellcheck shell=bash
# What the tests of scripts share: a folder of their own, tools that are scripts, and checks. To be sourced by
# one whose first argument is the source tree.
source_dir=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
failures=0
settings=() # Of the environment: NAME=VALUE.

# An executable script: fake FILE TEXT
fake() {
  mkdir -p "$(dirname "$1")"
  printf '#!/usr/bin/env bash\n%s\n' "$2" >"$1"
  chmod +x "$1"
}

# A source tree with the scripts alone, which see no CUDA toolkit of this machine.
new_tree() {
  rm -rf "${folder:?}"/*
  mkdir -p "$folder/tree" "$folder/bin"
  cp -R "$source_dir/scripts" "$folder/tree/scripts"
  find "$folder/tree/scripts" -name '*.sh' -exec \
    sed -i "s|/usr/local/cuda|$folder/no-toolkit|; s|/opt/nvidia|$folder/no-toolkit|" {} +
  settings=()
}

# Runs one of them on the fakes and the system's tools: run_script SCRIPT ARGUMENT...; output in out and err, code in code.
run_script() {
  local script=$1
  shift
  code=0
  env -u CUDA_PATH -u CUDA_HOME -u CUDACXX -u RUSHLIGHT_DATA FOLDER="$folder" PATH="$folder/bin:/usr/bin:/bin" \
    "${settings[@]}" "$folder/tree/scripts/$script" "$@" >"$folder/out" 2>"$folder/err" || code=$?
}

fail() {
  printf '%s\n' "$*" >&2
  failures=$((failures + 1))
}

# The file holds the text: expect NAME FILE TEXT
expect() {
  grep -qF -- "$3" "$2" && return
  fail "$1: ${2##*/} lacks \"$3\":"
  sed 's/^/  /' "$2" >&2
}

expect_no() {
  grep -qF -- "$3" "$2" || return 0
  fail "$1: ${2##*/} has \"$3\""
}

# The last run's code: expect_code NAME CODE
expect_code() {
  ((code == $2)) && return
  fail "$1: the code is $code, not $2:"
  sed 's/^/  /' "$folder/out" "$folder/err" >&2
}
