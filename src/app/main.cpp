#include <iostream>

#include "src/app/cli.h"

int main(int argc, char** argv) {
  return rushlight::run(argc, argv, {std::cout, std::cerr});
}
