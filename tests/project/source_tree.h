// The project's own files, as tests of the whole tree read them.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight::project {

struct SourceFile {
  std::string path;  ///< Relative to the project's root, with `/`.
  std::string text;
};

/// The files below these folders (or these files) whose names end as one of `endings`, in order of their paths.
std::vector<SourceFile> read_files(const std::vector<std::string>& places, const std::vector<std::string>& endings);

/// Every file and folder of the project, without `build`, `runs` and what begins with a dot (but `.ci`).
std::vector<std::string> list_tree();

std::vector<std::string_view> lines_of(std::string_view text);

/// `text` with what stands in comments of C++ replaced by spaces; strings stay.
std::string without_comments(std::string_view text);

}  // namespace rushlight::project
