// What the documents name exists: each word between backticks is a word of the code, each option is one that the code
// knows, each path is in the tree or written by the code.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <set>

#include "tests/project/source_tree.h"

namespace rushlight::project {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Names of other projects and of the outside world, which no code of this one has to contain.
const std::set<std::string> kForeign = {"torch", "apt", "sudo", "CMAKE_PREFIX_PATH", "PyTorch", "PWD"};

struct Known {
  std::set<std::string> words;
  std::set<std::string> options;
  std::set<std::string> paths;
  std::string text;
};

void collect(const std::string& text, const char* pattern, std::set<std::string>& into) {
  const std::regex regex(pattern);
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) into.insert(it->str());
}

constexpr const char* kWord = "[A-Za-z_][A-Za-z0-9_]*";
constexpr const char* kOption = "--[a-z][a-z0-9-]*";
constexpr const char* kPath =
    R"([A-Za-z0-9_.*/-]*[A-Za-z0-9_*](/|\.(h|cpp|cuh|cu|md|sh|cmake|json|toml|py|txt))(?![A-Za-z0-9_./]))";

/// Comments don't count: a name that is left only there is gone.
Known read_code() {
  Known known;
  for (const SourceFile& file :
       read_files({"include", "kernels", "src", "tests", "bench"}, {".h", ".cpp", ".cu", ".cuh"})) {
    if (file.path != "tests/project/markdown_test.cpp") known.text += without_comments(file.text);
  }
  for (const SourceFile& file :
       read_files({"scripts", "cmake", "tests", "src", ".ci", "CMakeLists.txt", "CMakePresets.json"},
                  {".sh", ".cmake", ".in", ".txt", ".py", ".json", "/run"})) {
    known.text += file.text;
  }
  for (const std::string& path : list_tree()) {
    known.paths.insert(path);
    known.text += "\n" + path;
  }
  collect(known.text, kWord, known.words);
  collect(known.text, kOption, known.options);
  return known;
}

/// `pattern` may be the end of the path, and its stars stand for anything within a folder.
bool matches(const std::string& pattern, const std::string& path) {
  const std::string dots = std::regex_replace(pattern, std::regex("\\."), "\\.");
  return std::regex_match(path, std::regex("(.*/)?" + std::regex_replace(dots, std::regex("\\*"), "[^/]*")));
}

bool path_exists(std::string path, const Known& known) {
  if (path.starts_with("build/") || known.text.find(path) != std::string::npos) return true;
  if (path.ends_with('/')) path.pop_back();
  return std::any_of(known.paths.begin(), known.paths.end(),
                     [&](const std::string& other) { return matches(path, other); });
}

/// The code spans of a document, and the lines of its sh blocks without their comments. Other blocks are output or are
/// compiled.
std::vector<std::string> spans_of(const std::string& markdown) {
  static const std::regex span("`([^`]+)`");
  std::vector<std::string> spans;
  std::string block;
  for (const std::string_view view : lines_of(markdown)) {
    const std::string line(view);
    if (line.starts_with("```")) {
      block = block.empty() ? line : "";
    } else if (block == "```sh") {
      spans.push_back(line.substr(0, line.find('#')));
    } else if (block.empty()) {
      for (std::sregex_iterator it(line.begin(), line.end(), span), end; it != end; ++it) spans.push_back((*it)[1]);
    }
  }
  return spans;
}

/// The names in one span that nothing knows. Words in angle brackets or in capitals after an option stand for a value.
std::vector<std::string> unknown_in(const std::string& span, const Known& known) {
  std::string rest = std::regex_replace(span, std::regex(R"(<[a-z ]+>|(--[a-z-]+) [A-Z]+)"), "$1");
  std::vector<std::string> unknown;
  const auto take = [&](const char* pattern, const auto& is_known) {
    std::set<std::string> names;
    collect(rest, pattern, names);
    for (const std::string& name : names) {
      if (!is_known(name)) unknown.push_back(name);
    }
    rest = std::regex_replace(rest, std::regex(pattern), " ");
  };
  take(kOption, [&](const std::string& name) { return known.options.contains(name); });
  take(kPath, [&](const std::string& name) { return path_exists(name, known); });
  take(kWord, [&](const std::string& name) {
    return name.size() < 3 || known.words.contains(name) || kForeign.contains(name);
  });
  return unknown;
}

std::vector<std::string> unknown_names(const std::vector<SourceFile>& documents, const Known& known) {
  std::vector<std::string> found;
  for (const SourceFile& document : documents) {
    for (const std::string& span : spans_of(document.text)) {
      for (const std::string& name : unknown_in(span, known))
        found.push_back(document.path + ": " + name + " in `" + span + "`");
    }
  }
  return found;
}

TEST(MarkdownTest, EveryNameInADocumentExists) {
  const std::vector<SourceFile> documents =
      read_files({"README.md", "CONTRIBUTING.md", "DECISIONS.md", "CHANGELOG.md", "docs"}, {".md"});
  EXPECT_GT(documents.size(), 4U);
  EXPECT_THAT(unknown_names(documents, read_code()), IsEmpty());
}

class MarkdownRuleTest : public testing::Test {
 protected:
  std::vector<std::string> check(const std::string& markdown) { return unknown_names({{"a.md", markdown}}, known_); }

 private:
  const Known known_ = read_code();
};

TEST_F(MarkdownRuleTest, ANameThatIsGoneIsFound) {
  EXPECT_THAT(check("uses `Trainer::"
                    "train_centuries()`"),
              ElementsAre(HasSubstr("train_centuries")));
  EXPECT_THAT(check("see `kernels/"
                    "relu_gone.h`"),
              ElementsAre(HasSubstr("relu_gone.h")));
  EXPECT_THAT(check("`rushlight train --"
                    "warp-speed 9`"),
              ElementsAre(HasSubstr("warp-speed")));
  EXPECT_THAT(check("```sh\nscripts/"
                    "gone.sh\n```\n"),
              ElementsAre(HasSubstr("gone.sh")));
}

TEST_F(MarkdownRuleTest, NamesThatExistPass) {
  EXPECT_THAT(check("`Trainer::train_epoch(data)`, `kernels/*.h`, `include/rushlight/`, `cmake --preset cpu`"),
              IsEmpty());
  EXPECT_THAT(check("`build/<preset>/bin/rushlight`, `y = p > 0 ? x : 0`, `--preset NAME`"), IsEmpty());
  EXPECT_THAT(check("```text\nno_such_thing\n```\nplain no_such_thing\n"), IsEmpty());
}

}  // namespace
}  // namespace rushlight::project
