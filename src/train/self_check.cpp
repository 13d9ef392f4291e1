#include "src/train/self_check.h"

#include <fmt/format.h>
#include <rushlight/error.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <utility>

#include "src/backend/command_cost.h"
#include "src/backend/reference_backend.h"

namespace rushlight {
namespace {

constexpr std::int64_t kGraphSteps = 4;  // One goes node by node first, then a graph of one and one of many may follow.

/// How far results may be from the reference, as a share of the largest value of their tensor.
double tolerance_of(const Command& command, const Device& device) {
  constexpr double kSameBits = 0, kRounding = 1e-5;
  if (std::holds_alternative<RowReduction>(command)) return kRounding;  // exp and log are the device's own.
  if (!std::holds_alternative<Matmul>(command)) return kSameBits;
  if (device.kind == Device::Kind::cpu) return kRounding;  // The reference rounds operands as well.
  switch (device.precision) {
    case Precision::fp32:
      return kRounding;
    case Precision::tf32:
      return 4e-3;
    case Precision::bf16:
      return 3e-2;
  }
  return kSameBits;
}

/// A word of an integer or of a wider number is no float: its bits are shown, and those of what it is compared with.
std::string text_of(float value, float beside) {
  const auto is_float = [](float one) { return std::fpclassify(one) != FP_SUBNORMAL; };
  return is_float(value) && is_float(beside) ? fmt::format("{}", value)
                                             : fmt::format("0x{:08x}", std::bit_cast<std::uint32_t>(value));
}

/// Two regions of 32-bit words, read as floats where they may differ.
class Comparison {
 public:
  Comparison(const std::byte* found, const std::byte* expected, std::int64_t bytes)
      : found_(found), expected_(expected), words_(bytes / bytes_of<float>(1)) {
    for (std::int64_t i = 0; i < words_; ++i) {
      const float value = std::fabs(at(expected_, i));
      if (std::isfinite(value) && value > largest_) largest_ = value;
    }
  }

  /// Looks at every word. What is no usual number, as an integer is, must have the same bits.
  void compare(double tolerance) {
    for (std::int64_t i = 0; i < words_; ++i) {
      const float found = at(found_, i), expected = at(expected_, i);
      if (std::bit_cast<std::uint32_t>(found) == std::bit_cast<std::uint32_t>(expected)) continue;
      const auto usual = [](float value) { return std::isnormal(value) || value == 0.0f; };
      const double error = usual(found) && usual(expected) ? std::fabs(double{found} - double{expected}) / largest_
                                                           : std::numeric_limits<double>::infinity();
      if (error > error_) {
        error_ = error;
        worst_ = i;
      }
      if (error > tolerance || tolerance == 0) ++beyond_;
    }
  }

  double error() const { return error_; }
  std::int64_t beyond() const { return beyond_; }
  std::string text() const {
    const float found = at(found_, worst_), expected = at(expected_, worst_);
    return fmt::format("value {} is {}, and the reference has {} ({} of {} differ)", worst_, text_of(found, expected),
                       text_of(expected, found), beyond_, words_);
  }

 private:
  static float at(const std::byte* data, std::int64_t i) {
    float value = 0;
    std::memcpy(&value, data + bytes_of<float>(i), sizeof value);
    return value;
  }

  const std::byte* found_;
  const std::byte* expected_;
  std::int64_t words_;
  double largest_ = std::numeric_limits<double>::min();
  double error_ = -1;
  std::int64_t worst_ = 0;
  std::int64_t beyond_ = 0;
};

}  // namespace

SelfCheck::SelfCheck(std::string network, const std::vector<Module>& modules, std::int64_t batch, Mode mode,
                     const std::shared_ptr<Backend>& device)
    : network_(std::move(network)),
      device_(modules, batch, mode, device),
      reference_(modules, batch, mode, std::make_shared<ReferenceBackend>(device)),
      device_regions_(device_.regions()),
      reference_regions_(reference_.regions()) {
  for (const Region& region : reference_regions_) start_.emplace_back(region.data, region.data + region.bytes);
}

void SelfCheck::run(const std::function<void(const DeviceCheck&)>& seen, GraphUse graphs) {
  std::string broken;
  const auto tell = [&](DeviceCheck check, const auto& body) {
    if (!broken.empty()) {
      check.status = CheckStatus::skipped;
      check.detail = broken;
    } else {
      try {
        body(check);
      } catch (const DeviceError& error) {
        check.status = CheckStatus::failed;
        check.detail = error.what();
        broken = fmt::format("after the error of {}", check.name);
      }
    }
    seen(check);
  };
  for (std::size_t i = 0; i < device_.program().size(); ++i) {
    tell(describe(i), [&](DeviceCheck& check) { check_node(i, check); });
  }
  if (graphs == GraphUse::off) return;
  tell({.network = network_, .name = fmt::format("{} steps as a graph", kGraphSteps)},
       [&](DeviceCheck& check) { check_graph(check); });
}

DeviceCheck SelfCheck::describe(std::size_t i) const {
  const Node& node = device_.program()[i];
  const Device device = device_.backend()->device();
  return {.network = network_,
          .name = node.name,
          .phase = to_string(node.phase),
          .kernel = device.kind == Device::Kind::cuda ? kernel_of(node.command) : "",
          .tolerance = tolerance_of(node.command, device)};
}

void SelfCheck::check_node(std::size_t i, DeviceCheck& check) {
  reference_.backend()->run(reference_.program()[i]);
  device_.backend()->run(device_.program()[i]);
  for (std::size_t r = 0; r < device_regions_.size(); ++r) {
    const Region& expected = reference_regions_[r];
    const Bytes found = download(device_regions_[r]);
    if (std::memcmp(found.data(), expected.data, found.size()) == 0) continue;
    Comparison comparison(found.data(), expected.data, expected.bytes);
    comparison.compare(check.tolerance);
    check.error = std::max(check.error, comparison.error());
    if (comparison.beyond() > 0 && check.detail.empty()) {
      check.detail = fmt::format("{}: {}", expected.name, comparison.text());
    }
    // The next node starts from the same memory on both.
    device_.backend()->upload({device_regions_[r].data, expected.bytes}, expected.data);
  }
  if (!check.detail.empty()) check.status = CheckStatus::failed;
}

void SelfCheck::check_graph(DeviceCheck& check) {
  Backend& backend = *device_.backend();
  if (backend.graph_capture() == nullptr) {
    check.status = CheckStatus::skipped;
    check.detail = "this device has no graphs";
    return;
  }
  const std::vector<Bytes> expected = run_anew([&] {
    for (std::int64_t i = 0; i < kGraphSteps; ++i) backend.run(device_.program());
  });
  const std::vector<Bytes> found =
      run_anew([&] { RepeatedProgram(device_.backend(), device_.program()).run(kGraphSteps); });
  for (std::size_t r = 0; r < found.size() && check.detail.empty(); ++r) {
    if (found[r] != expected[r]) {
      check.detail = fmt::format("{}: not the bits of the same nodes one by one", device_regions_[r].name);
    }
  }
  if (!check.detail.empty()) check.status = CheckStatus::failed;
}

std::vector<SelfCheck::Bytes> SelfCheck::run_anew(const std::function<void()>& steps) {
  for (std::size_t r = 0; r < start_.size(); ++r) {
    device_.backend()->upload({device_regions_[r].data, device_regions_[r].bytes}, start_[r].data());
  }
  steps();
  std::vector<Bytes> result;
  for (const Region& region : device_regions_) result.push_back(download(region));
  return result;
}

SelfCheck::Bytes SelfCheck::download(const Region& region) const {
  Bytes bytes(static_cast<std::size_t>(region.bytes));
  device_.backend()->download(bytes.data(), {region.data, region.bytes});
  return bytes;
}

}  // namespace rushlight
