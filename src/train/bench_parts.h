// What several cases of the bench time: the machine's ceilings, a step's products alone, and its nodes one by one.
#pragma once

#include <rushlight/bench.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "src/backend/backend.h"
#include "src/train/bench_rounds.h"
#include "src/train/rehearsal.h"

namespace rushlight {

/// Seconds that threads wanted to run, and did.
struct CpuTime {
  double asked = 0;
  double given = 0;
};

/// Where a bench runs.
struct BenchPlace {
  std::shared_ptr<Backend> backend;
  int threads = 0;  ///< Of the CPU; 0 on a GPU.
  bool emulated = false;
  std::int64_t wanted_block_bytes = 0;
  std::shared_ptr<CpuTime> fma_time = {};  ///< On a CPU: of the multiply-adds, whose threads never wait.

  bool on_cpu() const { return threads > 0; }
  /// What was wanted, or a size that no cache holds.
  std::int64_t block_bytes() const;
  /// Where the products that ours are compared with run: on a CPU oneDNN's on dense arrays.
  std::shared_ptr<Backend> plain_backend() const;
};

/// `fma`, on a CPU; `copy`.
void add_ceilings(BenchRounds& rounds, const BenchPlace& place);

/// The products of `program`.
Program products_of(const Program& program);
std::int64_t flops_of(const Program& program);

/// `products`: all of a program's, `times` times. Owns the memory that they run on, whose values a whole run has made.
BenchPart products_part(std::shared_ptr<Rehearsal> rehearsal, std::int64_t times);

/// Runs a program node by node, with a clock around each.
class NodeClock {
 public:
  explicit NodeClock(std::shared_ptr<Rehearsal> rehearsal);

  /// Adds a round: the mean of `times` runs for each node.
  void run(std::int64_t times);
  /// The rounds so far.
  void forget();

  std::vector<Measurement> nodes() const;
  std::vector<PhaseShare> phases() const;

 private:
  std::shared_ptr<Rehearsal> rehearsal_;
  std::int64_t batches_;                     // From where the rehearsal begins to the data's end.
  std::int64_t timed_ = 0;                   // Runs in all rounds.
  std::vector<std::vector<double>> rounds_;  // [rounds, nodes], seconds.
};

/// `nodes`, which tells `clock`.
BenchPart nodes_part(std::shared_ptr<NodeClock> clock);

}  // namespace rushlight
