// The backends that a body of test runs on. A new backend is one more line of `backend_cases()`.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "src/backend/backend.h"

namespace rushlight {

struct BackendCase {
  std::string name;
  Device device;

  friend void PrintTo(const BackendCase& one, std::ostream* stream) { *stream << one.name; }
};

inline std::vector<BackendCase> backend_cases() {
  return {{"CpuWithOneThread", Device::cpu(1)}, {"CpuWithThreeThreads", Device::cpu(3)}};
}

inline std::string backend_case_name(const ::testing::TestParamInfo<BackendCase>& info) {
  return info.param.name;
}

/// A suite that runs on each of `backend_cases()`.
class OnEachBackend : public ::testing::TestWithParam<BackendCase> {
 protected:
  std::shared_ptr<Backend> backend_ = open_backend(GetParam().device);
};

}  // namespace rushlight
