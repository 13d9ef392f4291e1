// Modules as JSON text, for a file's metadata, and modules guessed from a foreign file's tensors.
#pragma once

#include <rushlight/module.h>
#include <rushlight/sequential.h>

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace rushlight {

/// `{"modules":[{"type":"Linear","in_features":784,...},{"type":"ReLU"},{"type":"Dropout","p":0.3}]}`. p is written so
/// that it reads back to the same bits.
std::string describe_modules(std::span<const Module> modules);

/// @throws FormatError that says what was expected; `where` stands for the file in its message.
std::vector<Module> parse_modules(std::string_view description, const std::string& where);

}  // namespace rushlight
