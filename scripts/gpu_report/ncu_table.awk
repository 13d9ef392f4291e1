# Rows of tabs from `ncu --csv`, of the pages raw (a column a metric) or details (a row a metric): kernel, microseconds,
# % of DRAM's throughput, % of the L2 cache's, % of the warps an SM can hold, registers a thread, waves; - where untold.
function fields(line, into, count, place, char, quoted, text) {
  count = 0
  for (place = 1; place <= length(line); ++place) {
    char = substr(line, place, 1)
    if (quoted && char == "\"" && substr(line, place + 1, 1) == "\"") { text = text char; ++place }
    else if (char == "\"") quoted = !quoted
    else if (char == "," && !quoted) { into[++count] = text; text = "" }
    else text = text char
  }
  into[++count] = text
  return count
}

function number(text) {
  gsub(/,/, "", text)
  return text ~ /^[-+]?[0-9.]+([eE][-+]?[0-9]+)?$/ ? text : "-"
}

function microseconds(text, unit) {
  text = number(text)
  if (text == "-") return text
  if (unit ~ /^n/) return sprintf("%.3f", text / 1e3)
  if (unit ~ /^u/) return sprintf("%.3f", text + 0)
  if (unit ~ /^m/) return sprintf("%.3f", text * 1e3)
  return sprintf("%.3f", text * 1e6)
}

function shown(metric, value, unit) {
  return metric == wanted[1] ? microseconds(value, unit) : number(value)
}

function keep(id, kernel) {
  if (id in name) return
  order[++kernels] = id
  sub(/^void /, "", kernel)
  sub(/\(.*/, "", kernel)
  gsub(/rushlight::/, "", kernel)
  name[id] = kernel
}

BEGIN {
  wanted_count = split("gpu__time_duration.sum dram__throughput.avg.pct_of_peak_sustained_elapsed " \
    "lts__throughput.avg.pct_of_peak_sustained_elapsed sm__warps_active.avg.pct_of_peak_sustained_active " \
    "launch__registers_per_thread launch__waves_per_multiprocessor", wanted, " ")
}

!/^"/ { next }

/"Kernel Name"/ {
  column_count = fields($0, columns)
  for (i = 1; i <= column_count; ++i) at[columns[i]] = i
  next
}

!("Kernel Name" in at) { next }

"Metric Name" in at {
  fields($0, cell)
  keep(cell[at["ID"]], cell[at["Kernel Name"]])
  metric = cell[at["Metric Name"]]
  value[cell[at["ID"]], metric] = shown(metric, cell[at["Metric Value"]], cell[at["Metric Unit"]])
  next
}

# The row below the header holds the units.
!units_read { fields($0, units); units_read = 1; next }

{
  fields($0, cell)
  keep(cell[at["ID"]], cell[at["Kernel Name"]])
  for (i = 1; i <= wanted_count; ++i) {
    if (wanted[i] in at) value[cell[at["ID"]], wanted[i]] = shown(wanted[i], cell[at[wanted[i]]], units[at[wanted[i]]])
  }
}

END {
  for (k = 1; k <= kernels; ++k) {
    line = name[order[k]]
    for (i = 1; i <= wanted_count; ++i) line = line "\t" (((order[k], wanted[i]) in value) ? value[order[k], wanted[i]] : "-")
    print line
  }
}
