// How fast is this program here? Work that is timed beside what the machine can do at most, in one run.
#pragma once

#include <rushlight/device.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight {

enum class BenchCase {
  lab,     ///< Training 784-512-512-512-512-10 with dropout 0.3 and Adam.
  wide,    ///< Training 784-4096-4096-4096-4096-10 in the same way.
  infer,   ///< Predictions of the lab's network, one row at a time and 10,000.
  kernels  ///< Each elementwise operation and reduction alone, on blocks beyond the cache.
};

const char* to_string(BenchCase which);

/// Reads `lab`, `wide`, `infer` or `kernels`. @throws InvalidArgument if `name` is none of these.
BenchCase choose_bench_case(std::string_view name);

struct BenchOptions {
  BenchCase which = BenchCase::lab;
  Device device = {};
  double seconds = 20;  ///< That all rounds take together, roughly. Warming up takes as long as one or two rounds.
  int rounds = 0;       ///< In each, every part has its turn: all see the same machine. 0: 15, `kernels` 7, `wide` 5.
  std::int64_t batch = 0;  ///< Of `lab` and `wide`; 0: 100, and the largest of 65,536 or less that fits, 512 on a CPU.
  std::int64_t block_bytes = 0;  ///< That are copied, half of what each of `kernels` goes through; 0: beyond any cache.
};

/// Of what the rounds gave.
struct Spread {
  double median = 0;
  double min = 0;
  double max = 0;
  std::optional<double> p99 = {};  ///< Where each call was timed for itself.
};

/// Numbers are those of `steps` steps, calls or runs; 0 and empty where they don't apply.
struct Measurement {
  std::string name = {};
  std::string what = {};    ///< A phrase for a person.
  std::string kernel = {};  ///< On a GPU, of an operation.
  std::string phase = {};
  std::int64_t steps = 1;
  std::int64_t timed = 0;              ///< How many were really timed.
  std::optional<Spread> seconds = {};  ///< None on an emulated device, whose times are none of a GPU.
  std::int64_t samples = 0;
  std::int64_t bytes = 0;  ///< Read and written, each once, whatever caches do.
  std::int64_t flops = 0;  ///< Of a training or prediction those of its matrix products alone.
  std::optional<double> share_of_fma = {};
  std::optional<double> share_of_copy = {};
};

/// What the machine did in the same rounds.
struct BenchCeilings {
  std::optional<Measurement> fma = {};       ///< Multiply-adds in registers, on all threads; on a CPU.
  std::optional<Measurement> copy = {};      ///< From memory to memory, in blocks beyond any cache.
  std::optional<Measurement> products = {};  ///< The matrix products alone; on a CPU oneDNN's, in fp32 on dense arrays.
};

struct PhaseShare {
  std::string phase;
  std::optional<double> seconds;
  std::optional<double> share;
};

struct BenchReport {
  BenchOptions options = {};
  bool emulated = false;
  int threads = 0;           ///< Of the CPU; 0 on a GPU.
  std::string backend = {};  ///< The device and its libraries.
  std::string processor = {};
  std::string vectors = {};  ///< That the FMA peak was reached with: `AVX2`; empty on a GPU.
  std::string network = {};  ///< `784-512-10`; empty where there is none.
  std::int64_t parameters = 0;
  std::int64_t batch = 0;              ///< 0 where there is no one batch.
  std::int64_t peak_memory_bytes = 0;  ///< Of the process, data included, before the ceilings took theirs; 0: unknown.
  /// Of the time that the multiply-adds asked for, what they got, on a CPU. Clearly below 1: others ran meanwhile, and
  /// no time of this run is worth much.
  std::optional<double> cpu_share = {};
  BenchCeilings ceilings = {};
  std::vector<Measurement> results = {};
  std::map<std::string, Spread> ratios = {};  ///< Taken round by round; none on an emulated device.
  std::vector<PhaseShare> phases = {};        ///< One step or batch, node by node with a clock around each: medians.
  std::vector<Measurement> nodes = {};        ///< The same by node, in the order in which they run.
};

/// Takes about `seconds` and what warming up takes. Data: random pixels, never zeros.
/// @throws InvalidArgument if `seconds` is not above 0 and at most 3,600, `rounds` not in [0, 10,000], `batch` is given
/// for a case that has none, or not in [1, 2^20], or `block_bytes` not in [1, 2^40]; DeviceError if the device cannot
/// be opened or has too little memory.
BenchReport run_bench(const BenchOptions& options);

}  // namespace rushlight
