# shellcheck shell=bash disable=SC2154,SC2016 # The variables are those of gpu_report.sh; single quotes are meant.
# The record of gpu_report.sh: JSON and Markdown, written as a whole or not at all. To be sourced.
declare -A part_status part_reason part_seconds part_command part_results part_table part_log

# A text as JSON: json_string TEXT
json_string() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\n'/\\n}
  text=${text//$'\t'/\\t}
  printf '"%s"' "$(tr -d '\000-\037\177' <<<"$text")"
}

# As above; null where there is nothing.
json_text() {
  if [[ -n $1 ]]; then json_string "$1"; else printf null; fi
}

# The first text, or number, of a name in a line of JSON: text_of NAME, number_of NAME; from stdin.
text_of() {
  sed -n 's/"'"$1"'":"\(\([^"\\]\|\\.\)*\)"/\n\1\n/; s/^[^\n]*\n\([^\n]*\)\n.*/\1/p' | head -1 |
    sed 's/\\\(["\\]\)/\1/g'
}

number_of() {
  sed -n 's/"'"$1"'":\([-+0-9.eE]*\)[,}]/\n\1\n/; s/^[^\n]*\n\([^\n]*\)\n.*/\1/p' | head -1
}

# Times of the emulated device are nobody's: they become null. From stdin.
without_times() {
  if [[ $emulated == true ]]; then sed 's/"\([a-z_]*seconds\)":[-+0-9.eE]*/"\1":null/g'; else cat; fi
}

clear_part() {
  part_start=$SECONDS status="" reason="" command="" results="" items=() table=""
}

keep_part() {
  local IFS=,
  part_status[$part]=$status
  part_reason[$part]=${reason//"$root/"/}
  part_seconds[$part]=$((SECONDS - part_start))
  part_command[$part]=${command//"$root/"/}
  part_results[$part]=${results:-null}
  ((${#items[@]} == 0)) || part_results[$part]="[${items[*]}]"
  part_table[$part]=$table
  part_log[$part]=""
  # What was said last, for whoever has to find out why.
  if [[ $status == failed || $status == "cut off" ]]; then
    part_log[$part]=$({ tail -n 30 "$work/out" && tail -n 10 "$work/err"; } 2>/dev/null | tail -c 4000) || true
  fi
  say "   $status${reason:+: $reason}"
}

# Refuses a folder that cannot be written to before time is spent.
open_record() {
  if mkdir -p "$out" 2>/dev/null && record_json=$(mktemp "$out/.gpu_report.XXXXXX" 2>/dev/null); then
    trap 'rm -rf "$work" "$record_json" "$record_json.md"' EXIT
    return
  fi
  say "gpu_report.sh: $out cannot be written to: name another folder by --out"
  exit 2
}

print_json_part() {
  local one=$1 seconds=${part_seconds[$1]}
  [[ $emulated == false ]] || seconds=null
  printf '    %s: {"status": %s, "reason": %s, "seconds": %s,\n' \
    "$(json_string "$one")" "$(json_string "${part_status[$one]}")" "$(json_string "${part_reason[$one]}")" "$seconds"
  printf '      "command": %s,\n' "$(json_string "${part_command[$one]}")"
  printf '      "log": %s,\n' "$(json_text "${part_log[$one]}")"
  printf '      "results": %s}' "${part_results[$one]}"
}

print_json() {
  local one separator=""
  printf '{\n  "device": %s,\n  "emulated": %s,\n' "$(json_text "$device")" "$emulated"
  printf '  "driver": %s,\n  "toolkit": %s,\n' "$(json_text "$driver")" "$(json_text "$toolkit")"
  printf '  "commit": %s,\n  "build": %s,\n' "$(json_text "$commit")" "$(json_text "$backends")"
  printf '  "date": %s,\n  "command": %s,\n' "$(json_string "$date")" "$(json_string "$command_line")"
  printf '  "complete": %s,\n  "not_run": [' "$complete"
  for one in "${not_run[@]}"; do
    printf '%s%s' "$separator" "$(json_string "$one")"
    separator=", "
  done
  printf '],\n  "parts": {\n'
  separator=""
  for one in "${parts[@]}"; do
    printf '%s' "$separator"
    print_json_part "$one"
    separator=$',\n'
  done
  printf '\n  }\n}\n'
}

print_markdown() {
  local one title="GPU report: ${device:-no device}"
  [[ $emulated == false ]] || title="The emulated device: no GPU took part, and no time here is a GPU's"
  printf '# %s\n\n' "$title"
  [[ $complete == true ]] || printf '**Not complete**: parts were chosen, skipped, cut off or not run in full.\n\n'
  printf 'Commit %s; %s. Driver %s, toolkit %s. %s.\n\n```sh\n%s\n```\n\n' "${commit:-unknown}" "${backends:-no build}" \
    "${driver:-none}" "${toolkit:-not found}" "$date" "$command_line"
  printf '| Part | Status | Why |\n|---|---|---|\n'
  for one in "${parts[@]}"; do
    printf '| %s | %s | %s |\n' "$one" "${part_status[$one]}" "${part_reason[$one]//|/\\|}"
  done
  ((${#not_run[@]} == 0)) || printf '\nNot run:\n\n'
  for one in "${not_run[@]}"; do printf -- '- %s\n' "$one"; done
  for one in "${parts[@]}"; do
    [[ -n ${part_command[$one]} ]] || continue
    printf '\n## %s\n\n```sh\n%s\n```\n' "$one" "${part_command[$one]}"
    [[ -z ${part_table[$one]} ]] || printf '\n%s\n' "${part_table[$one]}"
  done
}

# gpu-<model>-<commit>, in lower case; -partial where it is not the whole, and a number where one is there.
record_name() {
  local model=${device#NVIDIA } name number=2
  [[ $emulated == false ]] || model=emulated
  name=$(tr '[:upper:]' '[:lower:]' <<<"gpu-${model:-none}-${commit:-unknown}" | tr -cs 'a-z0-9\n' '-')
  [[ $complete == true ]] || name+=-partial
  record=$out/$name
  [[ $overwrite == no ]] || return 0
  while [[ -e $record.json || -e $record.md ]]; do
    record=$out/$name-$number
    number=$((number + 1))
  done
}

write_record() {
  local date json markdown
  date=$(date -u +%Y-%m-%dT%H:%M:%SZ)
  record_name
  json=$(print_json)
  markdown=$(print_markdown)
  # A disk that is full shows here: each file is one write.
  { printf '%s\n' "$json" >"$record_json" && printf '%s\n' "$markdown" >"$record_json.md"; } 2>/dev/null &&
    chmod 644 "$record_json" "$record_json.md" && mv -f "$record_json" "$record.json" &&
    mv -f "$record_json.md" "$record.md" && return 0 # Said, as in a trap a bare return is that of the signal.
  say "gpu_report.sh: the record could not be written to $out (is the disk full?); it follows on stdout"
  printf '%s\n' "$json"
  return 1
}

# Writes the record, says what was not run, and returns the exit status.
finish() {
  local one passed=0 failed=0 not_run=()
  for one in "${parts[@]}"; do
    case ${part_status[$one]} in
      passed) passed=$((passed + 1)) ;;
      failed) failed=$((failed + 1)) ;;
      *)
        complete=false
        not_run+=("$one (${part_status[$one]}: ${part_reason[$one]})")
        ;;
    esac
  done
  not_run+=("${gaps[@]}")
  ((${#gaps[@]} == 0)) || complete=false
  say ""
  for one in "${parts[@]}"; do say "$(printf '%-10s  %s' "$one" "${part_status[$one]}")"; done
  if [[ -z $device && $emulated == false ]]; then
    say "no record was written: no GPU was there"
  elif write_record; then
    # It is there, whether or not somebody hears where.
    { printf '%s\n' "$record.json" "$record.md"; } 2>/dev/null || say "$record.json, $record.md"
  else
    return 3
  fi
  for one in "${not_run[@]}"; do say "not run: $one"; done
  ((failed == 0 && passed > 0))
}
