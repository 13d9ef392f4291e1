#!/usr/bin/env bash
# Kills a training run (kill -9) at random moments, resumes it each time, and compares its files with those of a run that
# was never stopped.
#   kill_test.sh PROGRAM [KILLS=5] [DATA=/usr/share/datasets/fashion-mnist]
set -euo pipefail
program=$1
kills=${2:-5}
data=${3:-/usr/share/datasets/fashion-mnist}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
# Files are the same whatever computes, and the CPU is there on every machine.
options=(--device cpu --data "$data" --limit-train 5000 --hidden "64,32" --epochs 6 --checkpoint-every 7 --threads 1 --quiet)

# A row's seconds are the only thing that may differ.
without_seconds() {
  sed 's/,"seconds":[^}]*//' "$1"
}

start=$(date +%s%N)
"$program" train "${options[@]}" --out "$folder/whole"
milliseconds=$((($(date +%s%N) - start) / 1000000))

mkdir "$folder/killed"
killed=0
resume=(train "${options[@]}" --out "$folder/killed")
while ((killed < kills)); do
  [[ -f $folder/killed/config.toml ]] && resume=(train --quiet --resume "$folder/killed")
  "$program" "${resume[@]}" &
  pid=$!
  sleep "$(awk -v m="$milliseconds" -v r="$RANDOM" 'BEGIN { printf "%.3f", m / 1000 * r / 32768 }')"
  kill -9 "$pid" 2>/dev/null || true
  status=0
  wait "$pid" 2>/dev/null || status=$?
  if ((status == 137)); then
    killed=$((killed + 1))
  elif ((status != 0)); then
    echo "exit code $status after $killed kills: ${resume[*]}" >&2
    exit 1
  else
    # It was done before the kill: start over, so that each one meets a running process.
    rm -rf "$folder/killed"
    mkdir "$folder/killed"
    resume=(train "${options[@]}" --out "$folder/killed")
  fi
done
if [[ -f $folder/killed/config.toml ]]; then
  "$program" train --quiet --resume "$folder/killed"
else
  "$program" train "${options[@]}" --out "$folder/killed"
fi

for file in model.safetensors checkpoint.safetensors; do
  cmp "$folder/whole/$file" "$folder/killed/$file"
done
diff <(without_seconds "$folder/whole/log.jsonl") <(without_seconds "$folder/killed/log.jsonl")
if find "$folder/killed" -name '.*tmp*' | grep -q .; then
  echo "a temporary file was left behind" >&2
  exit 1
fi
echo "$kills kills, and the same bytes"
