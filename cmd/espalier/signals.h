// The signals that end a serving command: blocked in every thread, waited for by main.
#pragma once

namespace espalier::command {

// Requires: no other thread yet; those made later inherit the mask. SIGPIPE is ignored.
void block_ending_signals();
// Waits for SIGINT or SIGTERM.
void wait_for_ending_signal();

}  // namespace espalier::command
