// `espalier completion SHELL`: what a shell needs to complete commands, options and files.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "command_line.h"

namespace espalier::command {

// For bash, zsh or fish. Errors: invalid, naming the shell.
base::Result<std::string> completion(const CommandLine& line, std::string_view shell);

}  // namespace espalier::command
