// Rules for source files that no compiler checks.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/project/source_tree.h"

namespace rushlight::project {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kLongestFile = 350;

std::vector<SourceFile> sources() {
  return read_files({"include", "kernels", "src", "tests", "bench"}, {".h", ".cpp", ".cu", ".cuh"});
}

TEST(SourceRulesTest, NoFileIsLong) {
  std::vector<std::string> found;
  for (const SourceFile& file : sources()) {
    const std::size_t lines = lines_of(file.text).size();
    if (lines > kLongestFile) found.push_back(file.path + ": " + std::to_string(lines) + " lines");
  }
  EXPECT_THAT(found, IsEmpty()) << "a file has at most " << kLongestFile << " lines; split it";
}

TEST(SourceRulesTest, KernelsAreLaunchedWithoutAngleBrackets) {
  const std::string brackets(3, '<');
  std::vector<std::string> found;
  for (const SourceFile& file : sources()) {
    if (file.text.find(brackets) != std::string::npos) found.push_back(file.path);
  }
  EXPECT_THAT(found, IsEmpty()) << "launch through cudaLaunchKernelEx, in src/backend/cuda";
}

/// Where `word` stands in kernels and src, comments left out.
std::vector<std::string> files_with(const std::string& word) {
  std::vector<std::string> found;
  for (const SourceFile& file : read_files({"kernels", "src"}, {".h", ".cpp", ".cu", ".cuh"})) {
    if (without_comments(file.text).find(word) != std::string::npos) found.push_back(file.path);
  }
  return found;
}

// The emulated device fills and guards shared memory, and takes every launch: neither has a second way.
TEST(SourceRulesTest, SharedMemoryAndLaunchesHaveOnePlaceEach) {
  EXPECT_THAT(files_with("__shared__"), ElementsAre("kernels/device.cuh"));
  EXPECT_THAT(files_with("cudaLaunchKernel"), ElementsAre("src/backend/cuda/launch.cu"));
  for (const char* other : {"cooperative_groups", "cub::", "wmma", "cuda_pipeline", "asm(", "asm volatile", "__asm"}) {
    EXPECT_THAT(files_with(other), IsEmpty()) << other;
  }
}

TEST(SourceRulesTest, EveryHeaderIsIncludedOnce) {
  std::vector<std::string> found;
  for (const SourceFile& file : read_files({"include", "kernels", "src", "tests", "bench"}, {".h", ".cuh"})) {
    if (file.text.find("#pragma once\n") == std::string::npos) found.push_back(file.path);
  }
  EXPECT_THAT(found, IsEmpty()) << "a header says #pragma once";
}

TEST(SourceTreeTest, CommentsAreRemovedAndStringsKept) {
  EXPECT_EQ(without_comments("a; // b\nc /* d\ne */ f"), "a;     \nc     \n     f");
  EXPECT_EQ(without_comments("\"// kept\" + '\"' // gone"), "\"// kept\" + '\"'        ");
  EXPECT_EQ(without_comments("1'000; // gone"), "1'000;        ");
}

}  // namespace
}  // namespace rushlight::project
