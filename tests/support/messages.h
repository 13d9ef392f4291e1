// What errors say.
#pragma once

#include <stdexcept>
#include <string>

namespace rushlight {

/// What a call that must fail with an E says; the test fails when it does not.
template <class E, class Call>
std::string message_of(Call call) {
  try {
    call();
  } catch (const E& error) {
    return error.what();
  }
  throw std::runtime_error("the call should have thrown, but did not");
}

}  // namespace rushlight
