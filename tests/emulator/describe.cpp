#include "tests/emulator/describe.h"

#include <array>
#include <cstdio>
#include <map>
#include <utility>

namespace rushlight::emulator {
namespace {

constexpr std::array kNames{"nothing",           "the end",          "__syncthreads",   "__syncthreads_count",
                            "__syncthreads_and", "__syncthreads_or", "__syncwarp",      "__shfl_sync",
                            "__shfl_up_sync",    "__shfl_down_sync", "__shfl_xor_sync", "__ballot_sync",
                            "__any_sync",        "__all_sync"};
static_assert(kNames.size() == static_cast<std::size_t>(Call::all) + 1);

std::string state(const Thread& thread) {
  if (thread.at == Call::none) return "run";
  if (thread.at == Call::exited) return "have ended";
  const std::string name = kNames[static_cast<std::size_t>(thread.at)];
  if (thread.at < Call::syncwarp) return "wait at " + name;
  std::array<char, 16> mask{};
  std::snprintf(mask.data(), mask.size(), "0x%x", thread.mask);
  return "wait at " + name + " of mask " + mask.data();
}

}  // namespace

std::string where(const Launch& launch, const uint3& block) {
  return "kernel " + launch.name + ", block (" + std::to_string(block.x) + ", " + std::to_string(block.y) + ", " +
         std::to_string(block.z) + ")";
}

std::string whereabouts(const std::vector<Thread>& threads) {
  std::map<std::string, std::string> groups;
  for (std::size_t first = 0; first < threads.size();) {
    const std::string here = state(threads[first]);
    std::size_t end = first + 1;
    while (end < threads.size() && state(threads[end]) == here) ++end;
    std::string& group = groups[here];
    group += (group.empty() ? "" : ", ") + std::to_string(first);
    if (end - first > 1) group += "-" + std::to_string(end - 1);
    first = end;
  }
  std::string text;
  for (const auto& [here, group] : groups) {
    text += (text.empty() ? "" : "; ") + ("threads " + group + " " + here);
  }
  return text;
}

}  // namespace rushlight::emulator
