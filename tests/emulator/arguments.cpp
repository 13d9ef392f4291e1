// A launch's name and the check of its arguments.
#include <cxxabi.h>
#include <link.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "tests/emulator/device_functions.h"
#include "tests/emulator/internal.h"
#include "tests/emulator/sanitizers.h"

namespace rushlight::emulator {
namespace {

struct Range {
  std::uintptr_t begin = 0;
  std::uintptr_t end = 0;
  bool contains(std::uintptr_t word) const { return begin <= word && word < end; }
};

Range find_stack() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) return {};
  void* begin = nullptr;
  std::size_t bytes = 0;
  pthread_attr_getstack(&attributes, &begin, &bytes);
  pthread_attr_destroy(&attributes);
  return {reinterpret_cast<std::uintptr_t>(begin), reinterpret_cast<std::uintptr_t>(begin) + bytes};
}

/// The writable data of the executable, which dl_iterate_phdr names first.
Range find_data() {
  Range data;
  const auto first = [](dl_phdr_info* info, std::size_t, void* result) {
    auto& range = *static_cast<Range*>(result);
    for (int i = 0; i < info->dlpi_phnum; ++i) {
      const auto& segment = info->dlpi_phdr[i];
      if (segment.p_type != PT_LOAD || (segment.p_flags & PF_W) == 0) continue;
      const std::uintptr_t begin = info->dlpi_addr + segment.p_vaddr;
      range = {range.begin == 0 ? begin : range.begin, begin + segment.p_memsz};
    }
    return 1;
  };
  dl_iterate_phdr(first, &data);
  return data;
}

const char* host_memory(std::uintptr_t word) {
  static thread_local const Range stack = find_stack();
  static const Range data = find_data();
  if (stack.contains(word)) return "the stack";
  if (data.contains(word)) return "the program's variables";
  // The program break follows the data; what may lie between them is no memory at all.
  if (Range{data.end, reinterpret_cast<std::uintptr_t>(sbrk(0))}.contains(word)) return "the heap";
  // Sanitizers have a heap of their own, and know the start of each of its pieces.
  const void* const pointer = reinterpret_cast<const void*>(word);
  if (__sanitizer_get_ownership && __sanitizer_get_ownership(pointer) != 0) return "the heap";
  return nullptr;
}

/// The end of the argument of a call that starts at `begin`: a comma or the end, not within brackets.
std::size_t argument_end(const std::string& text, std::size_t begin) {
  int depth = 0;
  for (std::size_t i = begin; i < text.size(); ++i) {
    if (i > 0 && text[i] == '>' && text[i - 1] == '-') continue;
    if (std::strchr("(<[{", text[i])) ++depth;
    if (std::strchr(")>]}", text[i])) --depth;
    if (text[i] == ',' && depth == 0) return i;
  }
  return text.size();
}

}  // namespace

std::string launch_name(const char* text, const std::string& parameter_types) {
  const std::string call = text;
  const std::size_t begin = call.find_first_not_of(" ,", argument_end(call, 0));
  const std::string kernel = call.substr(begin, argument_end(call, begin) - begin);
  return kernel + "(" + parameter_types.substr(0, parameter_types.rfind(", ")) + ")";
}

std::string readable_type(const char* mangled) {
  int status = 0;
  const std::unique_ptr<char, decltype(&std::free)> name(abi::__cxa_demangle(mangled, nullptr, nullptr, &status),
                                                         &std::free);
  return name ? name.get() : mangled;
}

void check_argument(const std::string& kernel, std::size_t number, const void* argument, std::size_t bytes) {
  const IgnoreAccesses ignore;
  for (std::size_t offset = 0; offset + sizeof(std::uintptr_t) <= bytes; offset += sizeof(std::uintptr_t)) {
    std::uintptr_t word = 0;
    std::memcpy(&word, static_cast<const std::byte*>(argument) + offset, sizeof(word));
    // What kernels point at is numbers of 4 bytes or more, or the start of an allocation.
    if (word % 4 != 0 || is_device_memory(reinterpret_cast<const void*>(word), 1)) continue;
    if (const char* const memory = host_memory(word)) {
      violation("kernel " + kernel + ": argument " + std::to_string(number) + " points at byte " +
                std::to_string(offset) + " into " + memory + " of the host");
    }
  }
}

}  // namespace rushlight::emulator
