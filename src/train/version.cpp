#include <fmt/format.h>
#include <rushlight/version.h>

#include "build_info.h"
#include "src/backend/backend.h"
#include "src/backend/cuda_backend.h"

namespace rushlight {

std::string version() {
  return kVersion;
}

std::string commit() {
  return kCommit;
}

std::string version_details() {
  return fmt::format("rushlight {}\ncommit    {}\ncompiler  {}, {}\nbackends  {}; {}\n", kVersion, kCommit,
                     kCxxCompiler, kCxxFlags, open_backend(Device::cpu())->describe(), describe_cuda_build());
}

}  // namespace rushlight
