// The command line in the test's own process, and small data that a network can learn.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "src/app/cli.h"
#include "tests/io/temporary_folder.h"

namespace rushlight {

struct Outcome {
  int code = 0;
  std::string out;
  std::string err;
};

inline Outcome call(const std::vector<std::string>& words) {
  std::vector<const char*> argv{"rushlight"};
  for (const std::string& word : words) argv.push_back(word.c_str());
  std::ostringstream out, err;
  const int code = run(static_cast<int>(argv.size()), argv.data(), {out, err});
  return {code, out.str(), err.str()};
}

/// The one sentence with which a call must have failed.
inline std::string refusal(const Outcome& outcome, int code, const std::string& about) {
  EXPECT_EQ(outcome.code, code) << about << ": " << outcome.err;
  const std::string last = outcome.err.substr(std::min(outcome.err.find("rushlight: "), outcome.err.size()));
  EXPECT_TRUE(last.starts_with("rushlight: ")) << about << ": " << outcome.err;
  EXPECT_EQ(std::count(last.begin(), last.end(), '\n'), 1) << about << ": " << last;
  return last;
}

inline std::vector<std::string> operator+(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

inline std::vector<nlohmann::json> json_lines(const std::string& text) {
  std::vector<nlohmann::json> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) rows.push_back(nlohmann::json::parse(line));
  return rows;
}

/// The rows of a log without the one value that a clock makes.
inline std::vector<nlohmann::json> rows_without_seconds(const std::filesystem::path& log) {
  std::vector<nlohmann::json> rows = json_lines(raw_bytes(log));
  for (nlohmann::json& row : rows) row.erase("seconds");
  return rows;
}

constexpr int kSide = 8;
constexpr int kClasses = 4;
constexpr int kTrainSamples = 120;
constexpr int kTestSamples = 40;

inline void append_big_endian(std::string& bytes, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(value >> shift & 0xFFU));
}

/// A class is the quarter of the image that is bright; `noise` shifts what lies over it.
inline void write_split(const std::filesystem::path& folder, const std::string& prefix, int count,
                        std::uint32_t noise) {
  std::string images{'\0', '\0', '\x08', '\x03'};
  std::string labels{'\0', '\0', '\x08', '\x01'};
  for (const int size : {count, kSide, kSide}) append_big_endian(images, static_cast<std::uint32_t>(size));
  append_big_endian(labels, static_cast<std::uint32_t>(count));
  for (int i = 0; i < count; ++i) {
    labels.push_back(static_cast<char>(i % kClasses));
    for (int p = 0; p < kSide * kSide; ++p) {
      const int quarter = p / (kSide * kSide / 2) * 2 + p % kSide / (kSide / 2);
      const std::uint32_t draw = (static_cast<std::uint32_t>(i * kSide * kSide + p) + noise) * 2654435761U >> 25;
      images.push_back(static_cast<char>((quarter == i % kClasses ? 120U : 0U) + draw));
    }
  }
  put_raw_bytes(folder / (prefix + "-images-idx3-ubyte"), images);
  put_raw_bytes(folder / (prefix + "-labels-idx1-ubyte"), labels);
}

inline void write_data(const std::filesystem::path& folder, std::uint32_t noise = 0) {
  std::filesystem::create_directories(folder);
  write_split(folder, "train", kTrainSamples, noise);
  write_split(folder, "t10k", kTestSamples, noise + 1000003);
}

/// A folder with data in it, and a small training to call: 12 steps an epoch.
class CommandLine {
 public:
  CommandLine() { write_data(data()); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string data() const { return path("images"); }

  std::vector<std::string> train(const std::string& out, const std::vector<std::string>& more = {}) const {
    return small(more) + std::vector<std::string>{"--out", path(out)};
  }
  /// `more` takes the place of what a small training has.
  std::vector<std::string> small(const std::vector<std::string>& more = {}) const {
    const std::vector<std::array<std::string, 2>> usual{{"--data", data()}, {"--hidden", "16,9"}, {"--batch", "10"},
                                                        {"--epochs", "3"},  {"--threads", "1"},   {"--device", "cpu"}};
    std::vector<std::string> words{"train"};
    for (const auto& pair : usual) {
      const std::string &option = pair[0], &value = pair[1];
      const auto replaces = [&](const std::string& word) { return word == option || word.starts_with(option + "="); };
      if (std::none_of(more.begin(), more.end(), replaces)) words = words + std::vector{option, value};
    }
    return words + more;
  }
  std::vector<std::string> resume(const std::string& out, const std::vector<std::string>& more = {}) const {
    return std::vector<std::string>{"train", "--resume", path(out)} + more;
  }
  std::string bytes(const std::string& run, const std::string& file) const { return raw_bytes(folder_ / run / file); }

 private:
  TemporaryFolder folder_;
};

}  // namespace rushlight
