#include "src/app/talk.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace rushlight {
namespace {

constexpr std::chrono::milliseconds kBarEvery{250};
constexpr std::chrono::seconds kLineEvery{10};

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

bool plain_wanted() {
  const char* const no_color = std::getenv("NO_COLOR");
  return no_color != nullptr && *no_color != '\0';
}

std::string minutes(double seconds) {
  const auto whole = static_cast<std::int64_t>(seconds + 0.5);
  return fmt::format("{}:{:02}", whole / 60, whole % 60);
}

}  // namespace

Reporter::Reporter(Streams streams, Talk talk, std::int64_t epochs, std::int64_t batch)
    : streams_(streams),
      talk_(talk),
      epochs_(epochs),
      batch_(batch),
      terminal_(&streams.err == &std::cerr && isatty(STDERR_FILENO) == 1 && talk != Talk::quiet) {}

void Reporter::say(const std::string& sentence) {
  if (talk_ == Talk::quiet) return;
  clear();
  streams_.err << sentence << std::endl;
}

void Reporter::begin_epoch(std::uint64_t epoch_step) {
  epoch_start_ = last_shown_ = Clock::now();
  first_step_ = epoch_step;
}

double Reporter::epoch_seconds() const {
  return std::chrono::duration<double>(Clock::now() - epoch_start_).count();
}

std::string Reporter::line(const Progress& progress, int width) const {
  const Metrics metrics = progress.metrics();
  const double share = static_cast<double>(progress.epoch_step()) / static_cast<double>(progress.epoch_steps());
  const double rate = static_cast<double>(progress.epoch_step() - first_step_) / epoch_seconds();
  const auto left =
      static_cast<double>(progress.epoch_steps() - progress.epoch_step() +
                          (static_cast<std::uint64_t>(epochs_) - progress.epoch() - 1) * progress.epoch_steps());
  const std::string head = fmt::format("epoch {:2}/{} ", progress.epoch() + 1, epochs_);
  const std::string tail =
      fmt::format(" {:3.0f} %  loss {:.4f}  accuracy {:.4f}  {:.0f} samples/s  {} left", share * 100, metrics.loss,
                  metrics.accuracy, rate * static_cast<double>(batch_), minutes(left / rate));
  const int room = std::min(30, width - 1 - static_cast<int>(head.size() + tail.size()));
  if (room < 4) return head + tail;
  const auto full = static_cast<std::size_t>(share * room);
  const std::string bar = std::string(full, '=') + std::string(static_cast<std::size_t>(room) - full, ' ');
  return head + (plain_wanted() ? "[" + bar + "]" : "[\x1b[32m" + bar + "\x1b[0m]") + tail;
}

void Reporter::step(const Progress& progress) {
  if (talk_ == Talk::quiet) return;
  const Clock::time_point now = Clock::now();
  if (now - last_shown_ < (terminal_ ? Clock::duration(kBarEvery) : Clock::duration(kLineEvery))) return;
  last_shown_ = now;
  if (terminal_) {
    streams_.err << "\r\x1b[K" << line(progress, terminal_width() - 2) << std::flush;
    bar_shown_ = true;
  } else {
    streams_.err << line(progress, 0) << std::endl;
  }
}

void Reporter::clear() {
  if (bar_shown_) streams_.err << "\r\x1b[K" << std::flush;
  bar_shown_ = false;
}

void Reporter::row(const EpochRow& row) {
  clear();
  if (talk_ == Talk::json) {
    streams_.out << row.json() << std::endl;
    return;
  }
  if (talk_ == Talk::quiet) return;
  if (!header_shown_) streams_.out << "epoch  train loss  train accuracy  test loss  test accuracy  seconds\n";
  header_shown_ = true;
  streams_.out << fmt::format("{:5}  {:10.4f}  {:14.4f}  {:9.4f}  {:13.4f}  {:7.2f}", row.epoch, row.train.loss,
                              row.train.accuracy, row.test.loss, row.test.accuracy, row.seconds)
               << std::endl;
}

}  // namespace rushlight
