#include "tests/project/source_tree.h"

#include <algorithm>
#include <fstream>
#include <iterator>

namespace rushlight::project {

namespace fs = std::filesystem;

namespace {

const fs::path kRoot = RUSHLIGHT_SOURCE_DIR;

std::string read(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

bool ends_with_any(const std::string& path, const std::vector<std::string>& endings) {
  return std::any_of(endings.begin(), endings.end(), [&](const std::string& ending) { return path.ends_with(ending); });
}

bool is_project_name(const std::string& name) {
  return name == ".ci" || name == ".clang-format" || name == ".clang-tidy" ||
         (!name.starts_with('.') && name != "build" && name != "runs" && name != "__pycache__");
}

void walk(const fs::path& folder, std::vector<std::string>& paths) {
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    if (!is_project_name(entry.path().filename().string())) continue;
    paths.push_back(entry.path().lexically_relative(kRoot).generic_string());
    if (entry.is_directory()) walk(entry.path(), paths);
  }
}

}  // namespace

std::vector<std::string> list_tree() {
  std::vector<std::string> paths;
  walk(kRoot, paths);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<SourceFile> read_files(const std::vector<std::string>& places, const std::vector<std::string>& endings) {
  std::vector<SourceFile> files;
  for (const std::string& path : list_tree()) {
    const bool wanted = std::any_of(places.begin(), places.end(), [&](const std::string& place) {
      return path == place || path.starts_with(place + "/");
    });
    if (wanted && ends_with_any(path, endings) && fs::is_regular_file(kRoot / path)) {
      files.push_back({path, read(kRoot / path)});
    }
  }
  return files;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string without_comments(std::string_view text) {
  std::string code(text);
  enum class State { plain, line_comment, block_comment, string, character } state = State::plain;
  for (std::size_t i = 0; i < code.size(); ++i) {
    const char c = code[i];
    const char next = i + 1 < code.size() ? code[i + 1] : '\0';
    if (state == State::plain) {
      if (c == '/' && next == '/') state = State::line_comment;
      if (c == '/' && next == '*') state = State::block_comment;
      if (c == '"') state = State::string;
      // An apostrophe after a digit separates thousands.
      if (c == '\'' && (i == 0 || code[i - 1] < '0' || code[i - 1] > '9')) state = State::character;
    } else if (state == State::string || state == State::character) {
      if (c == '\\') ++i;
      if (c == (state == State::string ? '"' : '\'') || c == '\n') state = State::plain;
    } else if (state == State::line_comment && c == '\n') {
      state = State::plain;
    } else if (state == State::block_comment && c == '*' && next == '/') {
      code[i] = code[i + 1] = ' ';
      state = State::plain;
    }
    if ((state == State::line_comment || state == State::block_comment) && c != '\n') code[i] = ' ';
  }
  return code;
}

}  // namespace rushlight::project
