// Parts of a bench take turns, round by round, so that a machine that gets slower is slower for all of them.
#pragma once

#include <rushlight/bench.h>

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace rushlight {

/// What is timed.
struct BenchPart {
  Measurement measurement;  ///< `bytes`, `flops` and `samples` of one run; `steps` that the report is for.
  double share = 1;         ///< Of a round's time, beside the other parts' shares.
  /// Runs that many times, and waits for the device.
  std::function<void(std::int64_t)> run;
  /// Untimed, before each turn.
  std::function<void()> before = {};
  /// The number of runs nearest to this one that can be done in a row.
  std::function<std::int64_t(std::int64_t)> fit = [](std::int64_t runs) { return runs; };
  enum class Clock { around_turn, around_each_run } clock = Clock::around_turn;
};

double seconds_of(const std::function<void()>& body);

/// REQUIRES: not empty.
Spread spread_of(std::vector<double> values);
Spread scaled(Spread spread, double factor);

class BenchRounds {
 public:
  /// All rounds together take about `seconds`.
  BenchRounds(double seconds, int rounds) : seconds_(seconds), rounds_(rounds) {}

  void add(BenchPart part);

  /// Runs every part, finds how many runs make up its turn, and runs as many.
  void warm_up();
  void run();

  bool has(const std::string& name) const { return parts_.contains(name); }
  /// Of a part, after the rounds. @throws std::out_of_range if there is none of this name.
  Measurement measured(const std::string& name) const;
  /// How long a run of one part takes, as a share of a run of the other, each times its steps.
  Spread ratio(const std::string& part, const std::string& to) const;

 private:
  struct Turns {
    BenchPart part;
    std::int64_t runs = 1;
    std::vector<double> rounds = {};  // Seconds a run.
    std::vector<double> each = {};    // The same of each run, where it has a clock of its own.
  };

  double budget(const BenchPart& part) const;
  void take_turn(Turns& turns) const;

  double seconds_;
  int rounds_;
  double shares_ = 0;
  std::vector<std::string> order_;
  std::map<std::string, Turns> parts_;
};

}  // namespace rushlight
