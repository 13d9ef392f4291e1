// The errors that the library throws. Each message says what was expected, what was found, where (file, row,
// tensor, index) and what to do. The library never exits, aborts or asserts on input.
#pragma once

#include <stdexcept>

namespace rushlight {

/// The base of every error below.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A value that a caller passed is impossible: a shape, an option, a mode.
class InvalidArgument : public Error {
 public:
  using Error::Error;
};

/// A file or folder is missing, damaged, of another kind than expected, or cannot be read or written.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// A device is missing, refuses a call, or has too little memory.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// Training left the finite numbers: a loss or a weight is infinite or not a number.
class Diverged : public Error {
 public:
  using Error::Error;
};

}  // namespace rushlight
