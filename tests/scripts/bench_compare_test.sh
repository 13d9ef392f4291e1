#!/usr/bin/env bash
# scripts/bench_compare.sh on commits of a repository of its own, with a CMake that is a script: what it builds, runs and leaves.
#   bench_compare_test.sh SOURCE_DIR
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=fakes.sh
source "$1/tests/scripts/fakes.sh"

in_tree() {
  git -C "$folder/tree" -c user.name=test -c user.email=test@example.org "$@" >/dev/null
}

# Three commits: `old` has no bench, and the benches of `slow` and `fast` tell 2 and 1 seconds.
new_repository() {
  new_tree
  in_tree init -q
  in_tree add -A
  in_tree commit -q -m old
  in_tree tag old
  mkdir -p "$folder/tree/src/app"
  : >"$folder/tree/src/app/bench_command.cpp"
  local name
  for name in slow:2.0 fast:1.0; do
    echo "${name#*:}" >"$folder/tree/seconds"
    in_tree add -A
    in_tree commit -q -m "$name"
    in_tree tag "${name%:*}"
  done
  # shellcheck disable=SC2016 # Expanded where it runs.
  fake "$folder/bin/cmake" '
    echo "$*" >>"$FOLDER/cmake.log"
    [[ -z ${BROKEN:-} ]] || exit 1
    if [[ -n ${SLOW_BUILD:-} ]]; then
      : >"$FOLDER/building"
      sleep 2
    fi
    [[ $1 == --build ]] || exit 0
    mkdir -p "$2/bin"
    cat >"$2/bin/rushlight" <<PROGRAM
#!/bin/sh
echo "$(cat "$2/../source/seconds") \$*" >>"$FOLDER/turns"
[ -z "\${FAILS:-}" ] || exit 4
echo "{\"results\": [{\"name\": \"epoch\", \"seconds\": {\"median\": $(cat "$2/../source/seconds")}}]}"
PROGRAM
    chmod +x "$2/bin/rushlight"'
}

nothing_left() {
  [[ -z $(ls -A "$folder/tree/build/compare" 2>/dev/null) ]] || fail "$1: build/compare is not empty"
  [[ $(git -C "$folder/tree" worktree list | wc -l) == 1 ]] || fail "$1: a worktree is left"
}

new_repository
echo "changed and not committed" >"$folder/tree/seconds"
run_script bench_compare.sh slow fast --rounds 3
expect_code "two commits" 0
expect "two commits" "$folder/out" "A is slow, B is fast: rushlight bench --seconds 2 --rounds 3 --device cpu"
expect "two commits" "$folder/out" "2 s          1 s  0.500 (0.500 to 0.500)  1.000 (1.000 to 1.000)"
[[ $(cut -d' ' -f1 "$folder/turns" | tr '\n' ' ') == "2.0 1.0 2.0 1.0 2.0 1.0 " ]] || fail "turns: $(cat "$folder/turns")"
: >"$folder/cmake.log"
: >"$folder/turns"
run_script bench_compare.sh slow slow --rounds 1 -- kernels --seconds=9
expect_code "one commit, built before" 0
expect_no "one commit, built before" "$folder/cmake.log" "--build"
expect "one commit, built before" "$folder/turns" "2.0 bench kernels --seconds=9 --rounds 3 --device cpu --json"
expect "one commit, built before" "$folder/out" "1.000 (1.000 to 1.000)  one turn has none"

settings=(FAILS=yes)
run_script bench_compare.sh slow fast
expect_code "a bench that fails" 1
expect "a bench that fails" "$folder/err" "ended with code 4"

new_repository
run_script bench_compare.sh slow nonesuch
expect_code "no such commit" 2
expect "no such commit" "$folder/err" "there is no commit \"nonesuch\""
run_script bench_compare.sh old fast
expect_code "a commit without a bench" 2
expect "a commit without a bench" "$folder/err" "has no \`rushlight bench\` yet"
run_script bench_compare.sh slow
expect_code "one name" 2
run_script bench_compare.sh slow fast --rounds 0
expect_code "no rounds" 2
settings=(BROKEN=yes)
rm -rf "$folder/tree/build"
run_script bench_compare.sh slow fast
expect_code "a commit that does not build" 2
expect "a commit that does not build" "$folder/err" "slow ($(git -C "$folder/tree" rev-parse slow)) does not build"
nothing_left "a commit that does not build"

new_repository
settings=(SLOW_BUILD=yes)
run_script bench_compare.sh slow fast &
script=$!
until [[ -f $folder/building ]]; do sleep 0.1; done
pkill -TERM -P "$script" || true # The script is a child of the shell that runs it.
wait "$script" || true
nothing_left "an interruption"

((failures == 0))
