#include "src/train/bench_rounds.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace rushlight {
namespace {

std::int64_t runs_in(double budget, double seconds_a_run) {
  constexpr double kMost = 1e9;
  return static_cast<std::int64_t>(std::clamp(budget / std::max(seconds_a_run, 1e-9), 1.0, kMost));
}

void prepare(const BenchPart& part) {
  if (part.before) part.before();
}

}  // namespace

double seconds_of(const std::function<void()>& body) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point start = Clock::now();
  body();
  return std::chrono::duration<double>(Clock::now() - start).count();
}

Spread spread_of(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median = values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return {median, values.front(), values.back(), {}};
}

Spread scaled(Spread spread, double factor) {
  for (double* value : {&spread.median, &spread.min, &spread.max}) *value *= factor;
  if (spread.p99) *spread.p99 *= factor;
  return spread;
}

void BenchRounds::add(BenchPart part) {
  shares_ += part.share;
  const std::string name = part.measurement.name;
  order_.push_back(name);
  parts_.insert_or_assign(name, Turns{.part = std::move(part)});
}

double BenchRounds::budget(const BenchPart& part) const {
  return seconds_ / rounds_ * part.share / shares_;
}

// The first run is cold, a few tell how long one takes, and the last are as a turn will be: with its graphs recorded.
void BenchRounds::warm_up() {
  for (const std::string& name : order_) {
    Turns& turns = parts_.at(name);
    const BenchPart& part = turns.part;
    const auto time = [&](std::int64_t runs) {
      prepare(part);
      return seconds_of([&] { part.run(runs); }) / static_cast<double>(runs);
    };
    const double all = budget(part), cold = time(1);
    if (cold > all) continue;
    const double warm = time(part.fit(runs_in(all / 10, cold)));
    turns.runs = part.fit(runs_in(all, warm));
    time(turns.runs);
  }
}

void BenchRounds::run() {
  for (int round = 0; round < rounds_; ++round) {
    for (const std::string& name : order_) take_turn(parts_.at(name));
  }
}

void BenchRounds::take_turn(Turns& turns) const {
  const BenchPart& part = turns.part;
  prepare(part);
  if (part.clock == BenchPart::Clock::around_turn) {
    turns.rounds.push_back(seconds_of([&] { part.run(turns.runs); }) / static_cast<double>(turns.runs));
    return;
  }
  std::vector<double> each;
  for (std::int64_t i = 0; i < turns.runs; ++i) each.push_back(seconds_of([&] { part.run(1); }));
  turns.rounds.push_back(spread_of(each).median);
  turns.each.insert(turns.each.end(), each.begin(), each.end());
}

Measurement BenchRounds::measured(const std::string& name) const {
  const Turns& turns = parts_.at(name);
  Measurement result = turns.part.measurement;
  Spread spread = spread_of(turns.rounds);
  if (!turns.each.empty()) {
    spread = spread_of(turns.each);
    std::vector<double> sorted = turns.each;
    std::sort(sorted.begin(), sorted.end());
    spread.p99 = sorted[(sorted.size() * 99 + 99) / 100 - 1];
  }
  result.seconds = scaled(spread, static_cast<double>(result.steps));
  result.timed = turns.runs * static_cast<std::int64_t>(turns.rounds.size());
  result.samples *= result.steps;
  result.bytes *= result.steps;
  result.flops *= result.steps;
  return result;
}

Spread BenchRounds::ratio(const std::string& part, const std::string& to) const {
  const Turns &above = parts_.at(part), &below = parts_.at(to);
  const double steps =
      static_cast<double>(above.part.measurement.steps) / static_cast<double>(below.part.measurement.steps);
  std::vector<double> ratios;
  for (std::size_t round = 0; round < above.rounds.size(); ++round) {
    ratios.push_back(above.rounds[round] / below.rounds[round] * steps);
  }
  return spread_of(std::move(ratios));
}

}  // namespace rushlight
