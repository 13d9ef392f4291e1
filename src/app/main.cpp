#include <fcntl.h>

#include <csignal>
#include <iostream>

#include "src/app/cli.h"

namespace {

// A file opened in the place of a closed stream would take what is printed. Here printing fails, and is noticed.
void fill_closed_streams() {
  for (const int descriptor : {0, 1, 2}) {
    if (fcntl(descriptor, F_GETFD) >= 0) continue;
    static_cast<void>(open("/dev/null", descriptor == 0 ? O_WRONLY : O_RDONLY));
  }
}

}  // namespace

int main(int argc, char** argv) {
  fill_closed_streams();
  std::signal(SIGXFSZ, SIG_IGN);  // A write beyond `ulimit -f` then fails with a sentence.
  return rushlight::run(argc, argv, {std::cout, std::cerr});
}
