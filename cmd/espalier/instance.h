// An Instance is the one gateway that runs on a ledger. It holds a lock on a file beside the
// ledger, so that a second gateway is refused and `espalier reload` finds the first.
//
// The lock is the kernel's (fcntl): it ends with the process, however that ends. The file's
// content is what the gateway said last about reloading.
//
// Threads: one at a time.
#pragma once

#include <optional>
#include <string>

#include <sys/types.h>

#include "base/error.h"
#include "base/fd.h"

namespace espalier::command {

class Instance {
public:
    // `ledger`: the ledger's path. Errors: conflict, when another process has it; storage.
    static base::Result<Instance> claim(const std::string& ledger);
    // Who has it, if anybody.
    static std::optional<pid_t> holder(const std::string& ledger);
    // What the holder said last; "" when it has said nothing.
    static std::string last_word(const std::string& ledger);

    // Leaves a line for whoever asked for a reload; each is another than the one before.
    void say(const std::string& line);

private:
    explicit Instance(base::Fd file) : file_(std::move(file)) {}

    base::Fd file_;
    int said_ = 0;
};

}  // namespace espalier::command
