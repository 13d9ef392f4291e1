// The subcommands. Each adds itself to the parser and, when it was called, sets what is to run.
#pragma once

#include <functional>

#include "src/app/cli.h"

namespace CLI {
class App;
}

namespace rushlight {

void add_train_command(CLI::App& app, Streams streams, std::function<int()>& chosen);
void add_eval_command(CLI::App& app, Streams streams, std::function<int()>& chosen);
void add_predict_command(CLI::App& app, Streams streams, std::function<int()>& chosen);
void add_plan_command(CLI::App& app, Streams streams, std::function<int()>& chosen);
void add_doctor_command(CLI::App& app, Streams streams, std::function<int()>& chosen);
void add_bench_command(CLI::App& app, Streams streams, std::function<int()>& chosen);

}  // namespace rushlight
