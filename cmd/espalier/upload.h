// `espalier upload`: sends files to a gateway, or to any Blossom server.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/transfer.h"

namespace espalier::command {

struct UploadOptions {
    std::vector<std::string> files;
    std::string server;  // URL
    std::string secret;  // nsec or hex; "" = the environment variable ESPALIER_NSEC
};

// Prints the url of each file on stdout, with a line for each server that was asked for it;
// progress and failures on stderr. The exit status: 0 when every file is stored, else 1.
int run_upload(const UploadOptions& options);

// Why an answer of 400 or above is one: its X-Reason, else its body's message, on one line.
std::string reason_of(const engine::Response& response);

}  // namespace espalier::command
