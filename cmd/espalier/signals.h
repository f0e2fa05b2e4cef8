// The signals that a serving command heeds: blocked in every thread, waited for by main.
#pragma once

#include <cstdint>

namespace espalier::command {

enum class Signal : std::uint8_t { end, reload };

// Requires: no other thread yet; those made later inherit the mask. SIGPIPE is ignored.
void block_ending_signals();
// The same, and SIGHUP.
void block_serving_signals();
// Waits for SIGINT or SIGTERM.
void wait_for_ending_signal();
// Waits for any of those that block_serving_signals() blocks.
Signal wait_for_serving_signal();

}  // namespace espalier::command
