// Which room may include which: the table of docs/design.md, section 2.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <regex>

#include "tests/project/source_tree.h"

namespace rushlight::project {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct Room {
  std::vector<std::string> may_include;
  bool third_party = true;
};

const std::vector<std::string> kAllButApp = {"include",   "kernels",  "src/backend", "src/graph",
                                             "src/optim", "src/data", "src/io",      "src/train"};

const std::map<std::string, Room> kRooms = {
    {"include", {{"include"}, false}},
    {"kernels", {{"include", "kernels"}, false}},
    {"src/backend", {{"include", "kernels", "src/backend"}}},
    {"src/graph", {{"include", "kernels", "src/backend", "src/graph"}}},
    {"src/optim", {{"include", "kernels", "src/backend", "src/optim"}}},
    {"src/data", {{"include", "kernels", "src/data"}}},
    {"src/io", {{"include", "src/io"}}},
    {"src/train", {kAllButApp}},
    {"src/app", {{"include", "src/app"}}},
};

/// `src/graph` for `src/graph/node.h`, `include` for `rushlight/error.h` and for `include/rushlight/error.h`.
std::string room_of(const std::string& path) {
  if (path.starts_with("rushlight/")) return "include";
  const std::size_t first = path.find('/');
  if (first == std::string::npos) return "";
  return path.starts_with("src/") ? path.substr(0, path.find('/', first + 1)) : path.substr(0, first);
}

bool is_standard(const std::string& header) {
  return header.find_first_of("./") == std::string::npos;
}

/// What is wrong with one include, or nothing.
std::string complaint(const std::string& path, const std::string& header, bool quoted) {
  const Room& room = kRooms.at(room_of(path));
  const bool own = quoted || header.starts_with("rushlight/");
  if (!own && is_standard(header)) return "";
  if (!own) return room.third_party || path.ends_with(".cuh") ? "" : "may include the standard library alone";
  if (header == "build_info.h" && room_of(path) == "src/train") return "";
  const std::string target = room_of(header);
  const bool allowed = std::count(room.may_include.begin(), room.may_include.end(), target) > 0;
  return allowed ? "" : "may not include " + (target.empty() ? "a file without its folder" : target);
}

std::vector<std::string> violations(const std::vector<SourceFile>& files) {
  static const std::regex pattern(R"rx(^\s*#\s*include\s*([<"])([^>"]+)[>"])rx");
  std::vector<std::string> found;
  for (const SourceFile& file : files) {
    if (!kRooms.contains(room_of(file.path))) {
      found.push_back(file.path + ": is in no room");
      continue;
    }
    for (const std::string_view line : lines_of(file.text)) {
      std::cmatch match;
      if (!std::regex_search(line.begin(), line.end(), match, pattern)) continue;
      const std::string wrong = complaint(file.path, match[2], match[1] == "\"");
      if (!wrong.empty()) found.push_back(file.path + ": " + wrong + " (" + match[2].str() + ")");
    }
  }
  return found;
}

TEST(RoomsTest, EveryIncludeKeepsTheTable) {
  const std::vector<SourceFile> files = read_files({"include", "kernels", "src"}, {".h", ".cpp", ".cu", ".cuh"});
  EXPECT_GT(files.size(), 30U);
  EXPECT_THAT(violations(files), IsEmpty());
}

TEST(RoomsTest, AnIncludeAgainstTheTableIsFound) {
  EXPECT_THAT(violations({{"src/io/a.cpp", "#include \"src/data/idx.h\"\n"}}), ElementsAre(HasSubstr("src/data")));
  EXPECT_THAT(violations({{"src/app/a.cpp", "#include \"kernels/view.h\"\n"}}), ElementsAre(HasSubstr("kernels")));
  EXPECT_THAT(violations({{"src/train/a.cpp", "#include \"src/app/cli.h\"\n"}}), ElementsAre(HasSubstr("src/app")));
  EXPECT_THAT(violations({{"kernels/a.h", "  #  include <fmt/format.h>\n"}}), ElementsAre(HasSubstr("fmt/format.h")));
  EXPECT_THAT(violations({{"include/rushlight/a.h", "#include <zlib.h>\n"}}), ElementsAre(HasSubstr("zlib.h")));
  EXPECT_THAT(violations({{"src/graph/a.h", "#include \"node.h\"\n"}}), ElementsAre(HasSubstr("without its folder")));
  EXPECT_THAT(violations({{"src/extra/a.h", ""}}), ElementsAre(HasSubstr("no room")));
}

TEST(RoomsTest, AnIncludeWithinTheTableIsNot) {
  EXPECT_THAT(violations({{"src/graph/a.h", "#include \"src/backend/backend.h\"\n#include <rushlight/error.h>\n"},
                          {"kernels/a.h", "#include <cstdint>\n#include \"kernels/view.h\"\n"},
                          {"src/io/a.cpp", "#include <fmt/format.h>\n#include \"src/io/safetensors.h\"\n"}}),
              IsEmpty());
}

}  // namespace
}  // namespace rushlight::project
