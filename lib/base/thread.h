// Threads have names, shown by top(1) and in stack dumps, and are joined by their owner.
#pragma once

#include <functional>
#include <string>
#include <thread>

namespace espalier::base {

// Starts `run` in a thread called `name` (at most 15 bytes are kept). The stop token is the
// jthread's own.
std::jthread start_thread(const std::string& name, std::function<void(std::stop_token)> run);

}  // namespace espalier::base
