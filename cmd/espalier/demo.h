// `espalier demo`: three stores, a gateway in front of them, and one picture that goes in once,
// lies in three places and comes back by redirect; all in this process, on loopback.
#pragma once

#include <string>

namespace espalier::command {

struct DemoOptions {
    std::string file;    // "" = the picture that comes with the program
    std::string folder;  // where the copies lie and stay; "" = a temporary one, removed at the end
    bool once = false;   // end after the check instead of at Ctrl-C
};

// The exit status: 0, or 1 after a line on stderr when anything is not as it should be.
// Requires: no other thread yet.
int run_demo(const DemoOptions& options);

}  // namespace espalier::command
