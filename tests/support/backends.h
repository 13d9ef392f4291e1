// The backends that a body of test runs on. A new backend is one more line of `backend_cases()`.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "src/backend/backend.h"
#include "src/backend/cuda_backend.h"

namespace rushlight {

struct BackendCase {
  std::string name;
  Device device;

  friend void PrintTo(const BackendCase& one, std::ostream* stream) { *stream << one.name; }
};

/// Builds with CUDA have the GPU among them, whether one is there or not: then its tests are skipped.
inline std::vector<BackendCase> backend_cases() {
  std::vector<BackendCase> cases{{"CpuWithOneThread", Device::cpu(1)}, {"CpuWithThreeThreads", Device::cpu(3)}};
  if (RUSHLIGHT_HAS_CUDA) cases.push_back({"Cuda", Device::cuda()});
  return cases;
}

inline std::string backend_case_name(const ::testing::TestParamInfo<BackendCase>& info) {
  return info.param.name;
}

/// Skips the test where `device` is a GPU and none is usable; RUSHLIGHT_REQUIRE_CUDA=1 makes that a failure.
inline void require_usable(const Device& device) {
  if (device.kind == Device::Kind::cpu) return;
  const std::string obstacle = why_no_cuda();
  if (obstacle.empty()) return;
  const char* const required = std::getenv("RUSHLIGHT_REQUIRE_CUDA");
  if (required != nullptr && std::string(required) == "1") FAIL() << "RUSHLIGHT_REQUIRE_CUDA is 1, but " << obstacle;
  GTEST_SKIP() << obstacle;
}

/// A suite that runs on each of `backend_cases()`.
class OnEachBackend : public ::testing::TestWithParam<BackendCase> {
 protected:
  void SetUp() override {
    require_usable(GetParam().device);
    if (!IsSkipped() && !HasFatalFailure()) backend_ = open_backend(GetParam().device);
  }

  std::shared_ptr<Backend> backend_;
};

/// A suite that runs on a GPU alone.
class OnCuda : public ::testing::Test {
 protected:
  void SetUp() override { require_usable(Device::cuda()); }
};

}  // namespace rushlight
