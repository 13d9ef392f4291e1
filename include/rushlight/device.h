// The device that a model's memory lives on and its passes run on.
#pragma once

#include <string>
#include <string_view>

namespace rushlight {

/// The arithmetic of matrix products. Weights, sums and everything else stay fp32.
enum class Precision {
  fp32,
  tf32,  ///< Operands are rounded to 10 bits of mantissa. A GPU of compute capability 8.0 or higher.
  bf16   ///< Operands are rounded to bfloat16. A GPU of compute capability 8.0 or higher, or a CPU with AVX512_BF16.
};

/// Whether steps are recorded once as a graph and replayed, where the device can. Results do not depend on it.
enum class GraphUse { on, off };

/// A value: copying it opens nothing. `Sequential::to` opens the device.
struct Device {
  enum class Kind { cpu, cuda };

  Kind kind = Kind::cpu;
  int index = 0;    ///< Ordinal of the GPU; 0 on a CPU.
  int threads = 0;  ///< CPU threads; 0 means one for each core that the process may use.
  Precision precision = Precision::fp32;
  GraphUse graphs = GraphUse::on;

  static Device cpu(int threads = 0);
  static Device cuda(int index = 0);

  /// The fastest device that is usable now: the first GPU that is, else the CPU.
  static Device best();

  bool operator==(const Device&) const = default;
};

/// A device and the reason for it, as one line for a person.
struct DeviceChoice {
  Device device;
  std::string reason;
};

/// Reads `auto`, `cpu`, `cuda` or `cuda:<index>`. `auto` is the first GPU that can be used, else the CPU, and never
/// fails. `cuda` is only parsed here: that no usable GPU is there shows when the device is opened (`DeviceError`).
/// @throws InvalidArgument if `name` is none of these, or `threads` is not in [0, 4096].
DeviceChoice choose_device(std::string_view name, int threads = 0);

/// Reads `fp32`, `tf32` or `bf16`. @throws InvalidArgument if `name` is none of these.
Precision choose_precision(std::string_view name);

/// `cpu`, or `cuda:<index>`.
std::string to_string(const Device& device);
std::string to_string(Precision precision);

}  // namespace rushlight
